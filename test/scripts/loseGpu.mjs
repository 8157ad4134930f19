/**
 * Preloaded into a program (`node --import`), this loses the GPU once each when log.jsonl gets a line of one of the steps
 * LOSE_GPU_AT, '4,9'.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { globals } from 'webgpu';

const steps = process.env.LOSE_GPU_AT.split(',');
const { requestDevice } = globals.GPUAdapter.prototype;
let device; // the latest

globals.GPUAdapter.prototype.requestDevice = async function (...args) {
  return (device = await requestDevice.apply(this, args));
};

const { appendFileSync } = fs;
fs.appendFileSync = (path, data, ...rest) => {
  appendFileSync(path, data, ...rest);
  if (!String(path).endsWith('log.jsonl') || !data.startsWith(`{"step":${steps[0]},`)) return;
  steps.shift();
  device.destroy();
};
syncBuiltinESMExports();
