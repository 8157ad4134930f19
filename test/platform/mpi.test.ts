/** MPI itself, with every library of this machine: what arrives is what was sent. */
import { spawnSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { launchOf } from '../../src/platform/launch.ts';
import { launchers, runRanks } from '../mpi.ts';

const test = suite('MPI');
const program = ['test/platform/mpiTrial.ts'];

for (const launcher of launchers) {
  for (const size of [2, 3]) {
    test(`${launcher.name}, ${size} ranks: every call brings what it should`, async () => {
      const { status, stdout, stderr } = await runRanks(launcher, size, program);
      assert.is(status, 0, stderr);
      const said = stdout.trim().split('\n').map((line) => JSON.parse(line)).sort((a, b) => a.rank - b.rank);
      const ranks = Array.from({ length: size }, (_, i) => i);
      assert.equal(said.map(({ rank, launch }) => [rank, launch.rank, launch.localRank, launch.family]), ranks.map((i) => [i, i, i, launcher.name]));
      for (const { rank, ...got } of said) {
        assert.is(got.size, size);
        assert.equal(got.gathered, ranks.flatMap((i) => [i, i + 10]));
        assert.equal(got.exchanged, ranks.flatMap((i) => [0, 1, 2].map((k) => (100 * i + 3 * rank + k) % 256)));
        assert.equal(got.sent, [7, 1, 2]);
        assert.equal(got.long, ranks.map((i) => i + 0.5));
        assert.equal(got.texts, ranks.map((i) => 'ä'.repeat(i)));
        assert.is(got.first, 'rank 0');
        assert.is(got.same, 'same');
        assert.equal(got.rewritten, [], 'other threads may be within these functions, or hold what they gave');
        assert.is(got.differs, `rank ${size - 1} has another data (b) than rank 0: all ranks must have the same`);
      }
    });
  }
}

if (launchers.some(({ name }) => name === 'MPICH')) {
  test('MPICH: -pmi-port, where only the library knows the number of ranks', async () => {
    const { command } = launchers.find(({ name }) => name === 'MPICH')!;
    const [mpirun, ...flags] = command(2);
    const { status, stdout } = spawnSync(mpirun!, ['-pmi-port', ...flags, process.execPath, '--import', 'tsx', ...program], { encoding: 'utf8' });
    assert.is(status, 0);
    assert.equal(stdout.trim().split('\n').map((line) => JSON.parse(line).size), [2, 2]);
  });
}

test('what a launcher puts into the environment is read, and a process that is alone is none of several', () => {
  assert.is(launchOf({}), undefined);
  const openMpi = { OMPI_COMM_WORLD_RANK: '3', OMPI_COMM_WORLD_SIZE: '8', OMPI_COMM_WORLD_LOCAL_RANK: '1' };
  assert.equal(launchOf(openMpi), { family: 'Open MPI', launcher: 'mpirun', rank: 3, size: 8, localRank: 1 });
  assert.is(launchOf({ ...openMpi, OMPI_COMM_WORLD_SIZE: '1' }), undefined);
  const hydra = { PMI_RANK: '3', PMI_SIZE: '8', MPI_LOCALRANKID: '1' };
  assert.equal(launchOf(hydra), { family: 'MPICH', launcher: 'mpirun', rank: 3, size: 8, localRank: 1 });
  assert.equal(launchOf({ PMI_ID: '0', PMI_PORT: 'host:1' }), { family: 'MPICH', launcher: 'mpirun', rank: 0, size: undefined, localRank: 0 });
  const slurm = { SLURM_PROCID: '3', SLURM_STEP_NUM_TASKS: '8', SLURM_LOCALID: '1', SLURM_NTASKS: '8' };
  assert.equal(launchOf(slurm), { launcher: 'srun', rank: 3, size: 8, localRank: 1 });
  assert.equal(launchOf({ ...slurm, PMIX_RANK: '3' }), { family: 'Open MPI', launcher: 'srun', rank: 3, size: 8, localRank: 1 });
  assert.equal(launchOf({ ...slurm, PMI_RANK: '3', PMI_SIZE: '8' }), { family: 'MPICH', launcher: 'srun', rank: 3, size: 8, localRank: 1 });
  // A batch script knows how many tasks its job has, but is one process.
  assert.is(launchOf({ SLURM_PROCID: '0', SLURM_NTASKS: '8', SLURM_LOCALID: '0' }), undefined);
  assert.is(launchOf({ OMPI_COMM_WORLD_RANK: 'x', OMPI_COMM_WORLD_SIZE: '2' }), undefined);
});

for (const [what, env, texts] of [
  ['no library', { DIFFWAVE_MPI: '/nonexistent/libmpi.so' }, ['mpirun started 2 processes, but no library of Open MPI was found (/nonexistent/libmpi.so', 'openmpi-bin or mpich']],
  ['a library that is none of MPI', { DIFFWAVE_MPI: 'libc.so.6' }, ['no library of Open MPI was found (libc.so.6: libc.so.6 is none of MPI)']],
] as const) {
  if (process.platform !== 'linux') continue;
  test(`${what}: one line that says what to install`, () => {
    const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', ...program], {
      encoding: 'utf8', env: { ...process.env, OMPI_COMM_WORLD_RANK: '0', OMPI_COMM_WORLD_SIZE: '2', ...env },
    });
    assert.is(status, 1);
    assert.match(stderr, /^[^\n]+\n$/);
    for (const text of texts) assert.ok(stderr.includes(text), stderr);
  });
}

if (launchers.some(({ name }) => name === 'Open MPI')) {
  test('srun without --mpi: what is missing is said before Open MPI ends the process in words of its own', () => {
    const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', ...program], {
      encoding: 'utf8', env: { ...process.env, SLURM_PROCID: '0', SLURM_STEP_NUM_TASKS: '2', SLURM_LOCALID: '0' },
    });
    assert.is(status, 1);
    assert.match(stderr, /^note: srun was told of no MPI; if Open MPI refuses now, set SLURM_MPI_TYPE=pmix\nsrun started 2 processes, but Open MPI sees 1: [^\n]+\n$/);
  });
}

test.run();
