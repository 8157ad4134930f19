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

const { writeSync } = fs;
fs.writeSync = (file, data, ...rest) => {
  const written = writeSync(file, data, ...rest);
  const text = Buffer.from(data).toString('latin1', 0, 200);
  if (steps.length === 0 || !text.startsWith(`{"step":${steps[0]},`) || !text.includes('"gradientNorm"')) return written;
  steps.shift();
  device.destroy();
  return written;
};
syncBuiltinESMExports();
