/** DiffWave in jax-js: `node jaxjs.mjs <entry of @jax-js/jax> <folder of the case>`; see serve.mjs. */
import { pathToFileURL } from 'node:url';
import { provideWebGpu, readCase, serve } from './serve.mjs';

const [entry, folder] = process.argv.slice(2);
await provideWebGpu();
const { init, defaultDevice, blockUntilReady, jit, valueAndGrad, lax, nn, numpy: np } = await import(pathToFileURL(entry).href);
if (!(await init('webgpu')).includes('webgpu')) throw new Error('jax-js finds no WebGPU adapter');
defaultDevice('webgpu');

const { config, B, L, adam, ...given } = readCase(folder);
const { layers, channels: C, dilationCycle } = config;
const tensor = (data, shape) => np.array(data).reshape(shape);
const noisy = tensor(given.noisy, [B, 1, L]);
const wanted = tensor(given.wanted, [B, 1, L]);
const encoding = tensor(given.encoding, [B, config.encodingWidth]);
const names = Object.keys(given.weights);
let weights = Object.fromEntries(names.map((name) => [name, tensor(given.weights[name].data, given.weights[name].shape)]));
const zeros = () => Object.fromEntries(names.map((name) => [name, np.zeros(given.weights[name].shape)]));
let [m, v] = [zeros(), zeros()];

/** ε_θ(x_t, t); consumes its arguments, as everything in jax-js does. */
function network(w, x, e) {
  const affine = (name) => [w[`${name}.weight`], w[`${name}.bias`]];
  const conv = (name, input, dilation = 1) => {
    const [weight, bias] = affine(name);
    const pad = (dilation * (weight.shape[2] - 1)) / 2;
    const y = lax.convGeneralDilated(input, weight, [1], [[pad, pad]], { rhsDilation: [dilation] });
    return y.add(bias.reshape([1, -1, 1]));
  };
  const dense = (name, input) => {
    const [weight, bias] = affine(name);
    return np.matmul(input, weight.transpose()).add(bias);
  };
  e = nn.silu(dense('diffusion_embedding.projection1', e));
  e = nn.silu(dense('diffusion_embedding.projection2', e));
  x = nn.relu(conv('input_projection', x));
  let skip;
  for (let i = 0; i < layers; i++) {
    const name = `residual_layers.${i}`;
    const step = dense(`${name}.diffusion_projection`, e.ref).reshape([B, C, 1]);
    const [gate, filter] = np.split(conv(`${name}.dilated_conv`, x.ref.add(step), 2 ** (i % dilationCycle)), 2, 1);
    const h = nn.sigmoid(gate).mul(np.tanh(filter));
    const [residual, skipped] = np.split(conv(`${name}.output_projection`, h), 2, 1);
    x = x.add(residual).mul(Math.SQRT1_2);
    skip = skip ? skip.add(skipped) : skipped;
  }
  x.dispose();
  e.dispose();
  const mixed = nn.relu(conv('skip_projection', skip.mul(1 / Math.sqrt(layers))));
  return conv('output_projection', mixed);
}

const lossOf = (w, x, e, y) => np.square(network(w, x, e).sub(y)).mean();

const forward = jit(lossOf);
const gradients = jit(valueAndGrad(lossOf));
const { learningRate, beta1, beta2, epsilon } = adam;
const update = jit((value, g, first, second, corrections) => {
  const [c1, c2] = np.split(corrections, 2, 0);
  const m1 = first.mul(beta1).add(g.ref.mul(1 - beta1));
  const v1 = second.mul(beta2).add(np.square(g).mul(1 - beta2));
  const step = m1.ref.mul(c1).div(np.sqrt(v1.ref.mul(c2)).add(epsilon)).mul(learningRate);
  return [value.sub(step), m1, v1];
});

const held = (tree) => Object.fromEntries(Object.entries(tree).map(([name, array]) => [name, array.ref]));
let updates = 0;

await serve({
  async forward() {
    const loss = forward(held(weights), noisy.ref, encoding.ref, wanted.ref);
    return async () => (await loss.data())[0];
  },
  async train() {
    const [loss, g] = gradients(held(weights), noisy.ref, encoding.ref, wanted.ref);
    updates++;
    for (const name of names) {
      const corrections = np.array([1 / (1 - beta1 ** updates), 1 / (1 - beta2 ** updates)]);
      [weights[name], m[name], v[name]] = update(weights[name], g[name], m[name], v[name], corrections);
    }
    return async () => {
      await blockUntilReady(weights);
      return (await loss.data())[0];
    };
  },
}, given);
