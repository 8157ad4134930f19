import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WITHOUT_ADAPTER, refuses, succeeds } from './program.ts';

const test = suite('npm run info');

test('prints the adapter, its limits, features and kernels', async () => {
  const stdout = await succeeds('info', []);
  assert.match(stdout, /^adapter   \S/);
  assert.match(stdout, /^binding   \d\S* .iB at most in one storage binding/m);
  assert.match(stdout, /^workgroup \d+ invocations/m);
  assert.match(stdout, /^features  shader-f16 (yes|no), subgroups (yes|no), timestamp-query (yes|no)$/m);
  assert.match(stdout, /^chosen    (naive|tile|broadcast, \d+ lanes): the fixed table's for (software adapters|GPUs)$/m);
});

test('lists the adapters by number, and takes the one that is asked for', async () => {
  const lines = (await succeeds('info', [])).split('\n').filter((line) => /^adapter \d+ \S/.test(line));
  assert.equal(lines.map((line) => line.split(' ')[1]), lines.map((_, i) => String(i)));
  assert.ok(lines.length > 0);
  const name = lines[0]!.replace(/^adapter 0 /, '');
  const chosen = (await succeeds('info', ['--adapter', '0'])).split('\n')[0]!;
  // Where there are several, the most capable one may be another.
  assert.ok(chosen.includes(name.split(' ')[0]!), `${chosen}, wanted ${name}`);
  await refuses('info', ['--adapter', String(lines.length)], [`--adapter ${lines.length}: the last one is ${lines.length - 1}; npm run info lists them`]);
});

test('refuses flags that it does not have', () => refuses('info', ['--verbose'], ['unknown flag --verbose']));

if (process.platform === 'linux') {
  test('says what to install where there is no adapter', () =>
    refuses('info', [], ['no WebGPU adapter', 'mesa-vulkan-drivers'], { env: WITHOUT_ADAPTER }));
}

test.run();
