import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { noiseFloor } from '../../src/audio/noiseFloor.ts';
import { normals } from '../../src/reference/random.ts';
import { assertClose } from '../close.ts';
import { sine } from './helpers.ts';

const test = suite('noise floor');

const samples = 30_000;
const white = normals({ seed: 1, stream: 0, step: 0, item: 0, length: samples });

test('white noise is found, alone and under a louder sound', () => {
  const tones = [440, 1000, 1730].map((hertz) => sine({ hertz, sampleRate: 7350, samples }));
  for (const level of [0.01, 0.1, 1]) {
    const noise = Float32Array.from(white, (z) => level * z);
    const sound = noise.map((value, i) => value + 0.3 * tones.reduce((sum, tone) => sum + tone[i]!, 0));
    // The quietest tenth of the bands lies a little below their mean.
    assertClose([noiseFloor(noise)], [level], { rtol: 0.1, what: `noise of ${level}` });
    assertClose([noiseFloor(sound)], [level], { rtol: 0.1, what: `noise of ${level} under tones` });
  }
});

test('a tone alone has nearly none, silence none', () => {
  assert.ok(noiseFloor(sine({ hertz: 440, sampleRate: 7350, samples })) < 1e-4);
  assert.is(noiseFloor(new Float32Array(3000)), 0);
});

test.run();
