import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cacheFolder } from '../../src/disk/cache.node.ts';
import { openProvider } from '../../src/platform/provider.node.ts';
import { findArchive, prepareSoftwareAdapter } from '../../src/platform/software.node.ts';

const test = suite('software adapter');

test('the cache folder follows each system\'s custom', () => {
  const folder = (platform: NodeJS.Platform, env: NodeJS.ProcessEnv) =>
    cacheFolder({ platform, env, home: '/home/me' }).replaceAll('\\', '/');
  assert.is(folder('linux', {}), '/home/me/.cache/diffwave-webgpu');
  assert.is(folder('linux', { XDG_CACHE_HOME: '/scratch' }), '/scratch/diffwave-webgpu');
  assert.is(folder('linux', { XDG_CACHE_HOME: 'relative' }), '/home/me/.cache/diffwave-webgpu');
  assert.is(folder('darwin', {}), '/home/me/Library/Caches/diffwave-webgpu');
  assert.is(folder('win32', { LOCALAPPDATA: '/Local' }), '/Local/diffwave-webgpu');
  assert.is(folder('win32', {}), '/home/me/AppData/Local/diffwave-webgpu');
});

const target = (path: string) => `'http://${path}.xz' some_file_name 0 `;

test('the archive is the distribution\'s own, whoever else names a suite after the release', () => {
  const archive = findArchive([
    `'http://mirror.example/debian/dists/bookworm/InRelease' name 0 `,
    target('vendor.example/linux/debian/dists/bookworm/stable/binary-amd64/Packages'),
    target('cloud.example/apt/dists/cloud-bookworm/main/binary-amd64/Packages'),
    target('mirror.example/debian/dists/bookworm/main/binary-amd64/Packages'),
    target('mirror.example/debian/dists/bookworm/main/binary-all/Packages'),
    target('mirror.example/debian/dists/bookworm/non-free/binary-amd64/Packages'),
    target('mirror.example/debian/dists/bookworm-updates/main/binary-amd64/Packages'),
    target('mirror.example/debian-security/dists/bookworm-security/main/binary-amd64/Packages'),
  ].join('\n'), { codename: 'bookworm' });
  assert.equal(archive, {
    uri: 'http://mirror.example/debian', suites: ['bookworm', 'bookworm-updates'], components: ['main'],
  });
});

test('the archive of a machine that says "stable", and of one with a list of mirrors', () => {
  assert.equal(
    findArchive(target('mirror.example/debian/dists/stable/main/binary-arm64/Packages'), { codename: 'trixie' }),
    { uri: 'http://mirror.example/debian', suites: ['stable'], components: ['main'] },
  );
  const listed = ['noble/main', 'noble/universe', 'noble-updates/main']
    .map((suite) => `'mirror+file:/etc/apt/mirrors.txt/dists/${suite}/binary-amd64/Packages.xz' name 0 `);
  assert.equal(findArchive(listed.join('\n'), { codename: 'noble' }), {
    uri: 'mirror+file:/etc/apt/mirrors.txt', suites: ['noble', 'noble-updates'], components: ['main', 'universe'],
  });
  const foreign = target('vendor.example/dists/noble/stable/binary-amd64/Packages');
  assert.throws(() => findArchive(foreign, { codename: 'noble' }),
    /^no archive of noble among the machine's package sources$/);
});

test('nothing is prepared when it is off', async () => {
  const before = process.env.DIFFWAVE_SOFTWARE_ADAPTER;
  process.env.DIFFWAVE_SOFTWARE_ADAPTER = 'off';
  try {
    assert.is(await prepareSoftwareAdapter(() => assert.unreachable('said something')), undefined);
  } finally {
    if (before === undefined) delete process.env.DIFFWAVE_SOFTWARE_ADAPTER;
    else process.env.DIFFWAVE_SOFTWARE_ADAPTER = before;
  }
});

test('one provider for the process, with one set of toggles', async () => {
  assert.is(await openProvider(), await openProvider());
  assert.type((globalThis as { GPUBufferUsage?: object }).GPUBufferUsage, 'function');
  const refusal = await openProvider(['verbose=1']).catch((error: Error) => error.message);
  assert.match(String(refusal), /toggles/);
});

// As a program, in an environment from which this process's own adapter was taken out again.

const launcher = fileURLToPath(new URL('../../scripts/launch.mjs', import.meta.url));

async function launch({ argv, env = {}, signal }: {
  argv: string[]; env?: NodeJS.ProcessEnv; signal?: NodeJS.Signals;
}) {
  const { LD_LIBRARY_PATH, VK_DRIVER_FILES, DIFFWAVE_RESTARTED, DIFFWAVE_SOFTWARE_ADAPTER, ...bare } = process.env;
  const child = spawn(process.execPath, [launcher, 'test/scripts/trial.ts', ...argv], { env: { ...bare, ...env } });
  let [stdout, stderr] = ['', ''];
  child.stderr.on('data', (text) => { stderr += text; });
  child.stdout.on('data', (text) => {
    stdout += text;
    if (signal && stdout === 'ready\n') child.kill(signal);
  });
  const status = await new Promise((resolve) => child.once('close', resolve));
  return { status, stdout, stderr };
}

test('program: finds its adapter and keeps its exit code', async () => {
  const { status, stdout, stderr } = await launch({ argv: ['adapter', '--size', '23'] });
  assert.equal({ status, stdout }, { status: 23, stdout: 'ready\n' }, stderr);
});

// Windows has no signals between processes.
if (process.platform !== 'win32') {
  test('program: a signal reaches the program, however often Node was started', async () => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const { status, stdout, stderr } = await launch({ argv: ['wait'], signal });
      assert.equal({ status, stdout }, { status: 9, stdout: `ready\n${signal}\n` }, stderr);
    }
  });
}

// Elsewhere an adapter cannot be hidden from Dawn.
if (process.platform === 'linux') {
  test('program: without an adapter it says in one line what to install', async () => {
    const hidden = { VK_DRIVER_FILES: '/nonexistent', VK_ICD_FILENAMES: '/nonexistent' };
    for (const [env, why] of [
      [{ DIFFWAVE_SOFTWARE_ADAPTER: 'off' }, 'DIFFWAVE_SOFTWARE_ADAPTER is off'],
      [{ DIFFWAVE_RESTARTED: '1' }, 'the software adapter does not run here'],
    ] as const) {
      const { status, stdout, stderr } = await launch({ argv: ['adapter'], env: { ...hidden, ...env } });
      assert.equal({ status, stdout }, { status: 1, stdout: '' });
      const own = stderr.split('\n').filter((line) => line.startsWith('trial: ')); // Dawn prints warnings of its own
      assert.is(own.length, 1);
      assert.match(own[0]!, new RegExp(`^trial: no WebGPU adapter, and ${why}; install .*mesa-vulkan-drivers`));
    }
  });
}

test.run();
