/** DiffWave's forward pass in TensorFlow.js: `node tfjs.mjs <package folder> <folder of the case>`; see serve.mjs. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { provideWebGpu, readCase, serve } from './serve.mjs';

const [packages, folder] = process.argv.slice(2);
await provideWebGpu();
const require = createRequire(join(packages, 'package.json'));
const tf = require('@tensorflow/tfjs-core');
require('@tensorflow/tfjs-backend-webgpu');
if (!(await tf.setBackend('webgpu'))) throw new Error('tfjs finds no WebGPU adapter');
await tf.ready();

const { config, B, L, weights, ...given } = readCase(folder);
const { layers, channels: C, dilationCycle } = config;
const noisy = tf.tensor(given.noisy, [B, 1, L, 1]); // channels last, height 1: tfjs has convolutions of images
const wanted = tf.tensor(given.wanted, [B, 1, L, 1]);
const encoding = tf.tensor(given.encoding, [B, config.encodingWidth]);
/** (Cout, Cin, K) → (1, K, Cin, Cout), (Cout, Cin) → (Cin, Cout). */
const w = Object.fromEntries(Object.entries(weights).map(([name, { data, shape }]) => {
  const stored = tf.tensor(data, shape);
  if (shape.length === 1) return [name, stored];
  const turned = tf.transpose(stored);
  return [name, shape.length === 3 ? tf.expandDims(turned, 0) : turned];
}));

function network() {
  const conv = (name, x, dilation = 1) =>
    tf.add(tf.conv2d(x, w[`${name}.weight`], 1, 'same', 'NHWC', [1, dilation]), w[`${name}.bias`]);
  const dense = (name, x) => tf.add(tf.matMul(x, w[`${name}.weight`]), w[`${name}.bias`]);
  const silu = (x) => tf.mul(x, tf.sigmoid(x));
  let e = silu(dense('diffusion_embedding.projection1', encoding));
  e = silu(dense('diffusion_embedding.projection2', e));
  let x = tf.relu(conv('input_projection', noisy));
  let skip;
  for (let i = 0; i < layers; i++) {
    const name = `residual_layers.${i}`;
    const step = tf.reshape(dense(`${name}.diffusion_projection`, e), [B, 1, 1, C]);
    const [gate, filter] = tf.split(conv(`${name}.dilated_conv`, tf.add(x, step), 2 ** (i % dilationCycle)), 2, 3);
    const [residual, skipped] = tf.split(conv(`${name}.output_projection`, tf.mul(tf.sigmoid(gate), tf.tanh(filter))), 2, 3);
    x = tf.mul(tf.add(x, residual), Math.SQRT1_2);
    skip = skip ? tf.add(skip, skipped) : skipped;
  }
  return conv('output_projection', tf.relu(conv('skip_projection', tf.mul(skip, 1 / Math.sqrt(layers)))));
}

await serve({
  async forward() {
    const loss = tf.tidy(() => tf.mean(tf.square(tf.sub(network(), wanted))));
    return async () => {
      const [value] = await loss.data();
      loss.dispose();
      return value;
    };
  },
}, given);
