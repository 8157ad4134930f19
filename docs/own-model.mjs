// An op, a loss and a training loop of one's own: learns to smooth noise.  node own-model.mjs
import { Gpu } from 'diffwave-webgpu';
import { Executable, Parameters, Tape, adam, adamValues, conv1d, loss, planTape, scale } from 'diffwave-webgpu/tape';

const source = `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@compute @workgroup_size(64) fn forward(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&x)) { y[id.x] = x[id.x] + sin(x[id.x]) * sin(x[id.x]); }
}
override ACCUMULATE = false; // another reader of x has put its share there already
@compute @workgroup_size(64) fn backward(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&x)) { y[id.x] = dy[id.x] * (1.0 + sin(2.0 * x[id.x])) + select(0.0, y[id.x], ACCUMULATE); }
}`;
/** y = x + sin²x (Ziyin et al. 2020, "Neural networks fail to learn periodic functions")  ⇒  dx = dy·(1 + sin 2x). */
function snake(tape, x) {
  const y = tape.result('snake', x.shape, [x]);
  const run = (entry, reads, writes, overrides) => tape.record({
    kernel: { shader: 'snake', source, entry, overrides }, reads, writes, workgroups: Math.ceil(x.length / 64),
  });
  run('forward', { x }, { y });
  tape.onBackward([y], () => {
    const slot = tape.gradientSlot(x); // undefined where nobody wants it
    if (slot) run('backward', { x, dy: tape.gradient(y) }, { y: slot.tensor }, { ACCUMULATE: slot.accumulate });
  });
  return y;
}
const percent = (tape, of) => scale(tape, loss(tape, { ...of, kind: 'l1' }), 100);

const [B, L, C, K] = [2, 256, 8, 9]; // clips, samples, channels, taps
const gpu = await Gpu.open();
const shapes = { w1: [K, 1, C], b1: [C], w2: [1, C, 1], b2: [1] };
const parameters = new Parameters(gpu, Object.entries(shapes).map(([name, shape]) => ({ name, shape })));
const wave = (length, of = Math.sin) => Float32Array.from({ length }, (_, i) => of(1e4 * Math.sin(i + 1)));
parameters.write(parameters.values, new Map(Object.entries(shapes).map(([name, shape]) => [name, wave(shape.reduce((a, b) => a * b))])));
const tape = new Tape({ parameters, variant: gpu.variant });
const [x, wanted] = ['x', 'wanted'].map((name) => tape.input(name, [B, L, 1]));
const layer = (i, of) => conv1d(tape, { x: of, weight: tape.parameter(`w${i}`), bias: tape.parameter(`b${i}`), dilation: 1 });
const error = tape.keep(percent(tape, { predicted: layer(2, snake(tape, layer(1, x))), wanted }));
tape.backward(error);
const [m, v] = ['m', 'v'].map((name) => tape.external(name, [parameters.size / 4], { ...parameters.flat(name), offset: 0 }));
const settings = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, learningRate: 0.01 };
adam(tape, { ...settings, value: tape.allParameters(), gradient: tape.allGradients(), m, v });
const program = await Executable.build(gpu, planTape(tape));
for (let update = 1; update <= 200; update++) {
  const noise = wave(B * L, (value) => Math.sin(value * update));
  program.write(x, noise);
  program.write(wanted, noise.map((value, i) => (i % L ? (noise[i - 1] + value) / 2 : value / 2)));
  program.run(adamValues({ ...settings, update }));
  if (update % 50 === 0 || update === 1) console.log(`update ${update}: ${(await program.read(error))[0].toFixed(2)} %`);
}
gpu.close();
