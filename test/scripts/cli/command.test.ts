import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UserError } from '../../../src/errors.ts';
import { command, explain, runCommand, usage } from '../../../scripts/lib/cli/command.ts';
import { parse } from '../../../scripts/lib/cli/flags.ts';

const test = suite('command');

const SPEC = {
  name: 'dataset',
  summary: 'prepares clips',
  positionals: [
    { name: 'folder', help: 'where the files are', required: true },
    { name: 'others', help: 'more of them', many: true },
  ],
  flags: {
    out: { type: 'string', placeholder: '<dataset>', required: true, help: 'where to write' },
    downsample: { type: 'integer', default: 3, min: 1, max: 64, help: 'factor' },
    gain: { type: 'number', default: 0, above: -100, below: 100, help: 'decibels' },
    cropSamples: { type: 'integer', help: 'length' },
    resume: { type: 'boolean', help: 'goes on' },
    variance: { type: 'string', choices: ['beta', 'posterior'], default: 'beta', help: 'of a step' },
    golden: { type: 'strings', help: 'files' },
  },
} as const;

const read = (...argv: string[]) => parse(SPEC, argv);

test('defaults', () => {
  const { flags, positionals, given } = read('music', '--out', 'set');
  assert.equal(flags, {
    out: 'set', downsample: 3, gain: 0, cropSamples: undefined, resume: false, variance: 'beta', golden: [],
  });
  assert.equal(positionals, { folder: 'music', others: [] });
  assert.equal([...given], ['out']);
});

test('everything typed, in any order', () => {
  const { flags, positionals, given } = read(
    '--golden', 'a', 'b', '--out=a=b', 'music', '--crop-samples', '1e3', '--resume', 'jazz', '--golden=c',
    '--gain', '-2.5', '--variance', 'posterior', '--downsample=+2', '--', '--folk', '-x',
  );
  assert.equal(flags, {
    out: 'a=b', downsample: 2, gain: -2.5, cropSamples: 1000, resume: true, variance: 'posterior',
    golden: ['a', 'b', 'c'],
  });
  assert.equal(positionals, { folder: 'music', others: ['jazz', '--folk', '-x'] });
  assert.equal([...given].sort(), ['cropSamples', 'downsample', 'gain', 'golden', 'out', 'resume', 'variance']);
});

test('the values have the types of the specification', () => {
  const { flags, positionals } = read('music', '--out', 'set');
  const { out, variance }: { out: string; downsample: number; variance: 'beta' | 'posterior' } = flags;
  // @ts-expect-error a flag without a default may be undefined
  const cropSamples: number = flags.cropSamples;
  // @ts-expect-error no such flag
  const absent = flags.cropsamples;
  const folder: string = positionals.folder;
  assert.equal([out, variance, cropSamples, absent, folder], ['set', 'beta', undefined, undefined, 'music']);
});

for (const [argv, message] of [
  ['', '<folder> is required'],
  ['music', '--out <dataset> is required'],
  ['music --out', '--out <dataset> needs a value'],
  ['music --out --resume', '--out <dataset> needs a value'],
  ['music --out=', '--out needs a value, got an empty one'],
  ['music --out a --out b', '--out is given twice'],
  ['music --out a --resume --resume', '--resume is given twice'],
  ['music --out a --resume=yes', '--resume takes no value, got \'yes\''],
  ['music --out a --golden', '--golden needs a value'],
  ['music --out a --downsample three', '--downsample must be a number, got \'three\''],
  ['music --out a --downsample 0x10', '--downsample must be a number, got \'0x10\''],
  ['music --out a --downsample Infinity', '--downsample must be a number, got \'Infinity\''],
  ['music --out a --gain=', '--gain must be a number, got \'\''],
  ['music --out a --downsample 2.5', '--downsample must be a whole number, got \'2.5\''],
  ['music --out a --downsample 0', '--downsample must be at least 1 and at most 64, got 0'],
  ['music --out a --downsample 65', '--downsample must be at least 1 and at most 64, got 65'],
  ['music --out a --gain -100', '--gain must be above -100 and below 100, got -100'],
  ['music --out a --gain 100', '--gain must be above -100 and below 100, got 100'],
  ['music --out a --variance gamma', '--variance must be beta or posterior, got \'gamma\''],
  ['music --out a --crop-sample 5', 'unknown flag --crop-sample, did you mean --crop-samples?'],
  ['music --out a --cropSamples 5', 'unknown flag --cropSamples, did you mean --crop-samples?'],
  ['music --out a --hlep', 'unknown flag --hlep, did you mean --help?'],
  ['music --out a --publish', 'unknown flag --publish; --help lists them'],
  ['music --out a -o', 'unknown flag -o; --help lists them'],
]) {
  test(`refused: ${argv}`, () => {
    assert.throws(() => read(...argv!.split(' ').filter(Boolean)), (error: unknown) => {
      assert.instance(error, UserError);
      assert.is((error as UserError).message, message);
      return true;
    });
  });
}

test('a surplus argument is refused', () => {
  const spec = { name: 'sample', summary: '', positionals: [{ name: 'run', help: '' }], flags: {} };
  assert.throws(() => parse(spec, ['a', 'b']), /^unexpected argument 'b'$/);
  assert.throws(() => parse({ ...spec, positionals: [] }, ['a']), /^unexpected argument 'a'$/);
});

test('the usage lists every flag with its default and range', () => {
  assert.is(usage(SPEC), `dataset: prepares clips

  npm run dataset -- <folder> [<others>…] --out <dataset> [flags]

  <folder>                   where the files are
  [<others>…]                more of them
  --out <dataset>            where to write (required)
  --downsample <n>           factor (at least 1 and at most 64; default 3)
  --gain <x>                 decibels (above -100 and below 100; default 0)
  --crop-samples <n>         length
  --resume                   goes on
  --variance beta|posterior  of a step (default beta)
  --golden <text>…           files
  --help                     print this and exit
`);
});

async function capture(argv: string[], body: Parameters<ReturnType<typeof command<typeof SPEC>>['does']>[0]) {
  let [out, err] = ['', ''];
  const code = await runCommand(SPEC, argv, body, { out: (text) => { out += text; }, err: (text) => { err += text; } });
  return { code, out, err };
}

test('help needs nothing else and does not run the command', async () => {
  for (const argv of [['--help'], ['music', '-h'], ['--publish', '--help']]) {
    const result = await capture(argv, () => { throw new Error('ran'); });
    assert.equal(result, { code: 0, out: usage(SPEC), err: '' });
  }
});

test('errors become lines and exit codes', async () => {
  const after = async (problem: unknown) => capture(['music', '--out', 'a'], () => { throw problem; });
  assert.equal(await capture(['music'], () => {}), { code: 1, out: '', err: 'dataset: --out <dataset> is required\n' });
  assert.equal(await capture(['music', '--out', 'a'], () => 3), { code: 3, out: '', err: '' });
  assert.equal(await capture(['music', '--out', 'a'], () => {}), { code: undefined, out: '', err: '' });
  assert.equal(await after(new UserError('no clips')), { code: 1, out: '', err: 'dataset: no clips\n' });
  const bug = await after(new TypeError('x is undefined'));
  assert.is(bug.code, 70);
  const start = 'dataset: this is a bug in diffwave-webgpu\n';
  assert.match(bug.err, new RegExp(`^${start}TypeError: x is undefined\n    at .*command\\.test\\.ts`));
  assert.equal(await after('text'), { code: 70, out: '', err: `${start}thrown: text\n` });
});

test('what the operating system refuses is one line', () => {
  const refusal = (code: string, path?: string) => explain(Object.assign(new Error('raw'), { code, path }));
  assert.equal(refusal('ENOSPC'), { text: 'no space left on the disk (ENOSPC)', code: 1 });
  assert.equal(refusal('EACCES', '/x/y'), { text: '/x/y: permission denied (EACCES)', code: 1 });
  assert.equal(refusal('EROFS', '/x'), { text: '/x: the file system is read-only (EROFS)', code: 1 });
  assert.is(refusal('ERR_INVALID_ARG_TYPE').code, 70);
});

// As a program, through the launcher.

const launcher = fileURLToPath(new URL('../../../scripts/launch.mjs', import.meta.url));

function launch(...argv: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [launcher, 'test/scripts/trial.ts', ...argv], {
    encoding: 'utf8', maxBuffer: 1 << 26, cwd: fileURLToPath(new URL('.', import.meta.url)),
  });
  return { status, stdout, stderr };
}

test('program: a large output is complete in a pipe', () => {
  const { status, stdout, stderr } = launch('print', '--size', '5000000');
  assert.equal({ status, length: stdout.length, stderr }, { status: 0, length: 5_000_001, stderr: '' });
});

test('program: exit codes', () => {
  assert.equal(launch('user'), { status: 1, stdout: '', stderr: 'trial: the folder is empty\n' });
  assert.equal(launch('print', '--sise', '3'), {
    status: 1, stdout: '', stderr: 'trial: unknown flag --sise, did you mean --size?\n',
  });
  assert.equal(launch('lively'), { status: 0, stdout: '', stderr: '' }); // ends although a timer is left
  assert.is(launch('code').status, 3);
  assert.is(launch('exitCode').status, 4);
});

test('program: our own bugs show where', () => {
  for (const [deed, pattern] of [
    ['bug', /^trial: this is a bug in diffwave-webgpu\nTypeError: cannot read\n    at .*trial\.ts:\d+/],
    ['late', /^trial: this is a bug in diffwave-webgpu\nTypeError: too late\n/],
    ['forever', /^trial: ended before its work was done; this is a bug in diffwave-webgpu\n$/],
  ] as const) {
    const { status, stderr } = launch(deed);
    assert.is(status, 70, deed);
    assert.match(stderr, pattern);
  }
});

test.run();
