/** What becomes of the kernels that take a GPU's time: Dawn adds nothing to their inner loops. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('compiled kernels');

const launcher = fileURLToPath(new URL('../../../scripts/launch.mjs', import.meta.url));

/** SPIR-V by kernel. */
async function compiled(): Promise<Map<string, string>> {
  const { stdout } = await promisify(execFile)(process.execPath, [launcher, 'test/gpu/wgsl/dump.ts'], { maxBuffer: 1 << 26 });
  const kernels = stdout.split(/^kernel /m).slice(1);
  return new Map(kernels.map((text) => [text.split('\n')[0]!, text.slice(text.indexOf('; SPIR-V'))]));
}

// Elsewhere Dawn compiles to other languages.
if (process.platform === 'linux') test('tile kernels have no index clamped that they do not clamp themselves, and the convolutions\' loops no counter of Dawn\'s', async () => {
  const kernels = await compiled();
  assert.ok([...kernels.keys()].filter((name) => name.startsWith('conv1d.tile')).length >= 5);
  assert.ok([...kernels.keys()].filter((name) => name.startsWith('weightGradient.tile')).length >= 3);
  for (const [name, code] of kernels) {
    assert.ok((code.match(/\bFma\b/g)?.length ?? 0) >= 8, `${name}: this is not its code`);
    const own = name.startsWith('weightGradient.tile') ? 1 : 0; // the end of its rows
    const clamps = code.match(/\bUMin\b/g)?.length ?? 0;
    assert.ok(clamps <= own, `${clamps} in ${name}`);
    if (name.startsWith('conv1d.tile')) assert.not.match(code, /tint_loop_idx/, name);
  }
});

test.run();
