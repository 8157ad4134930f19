/** Barriers of every kernel that the cases run, in every form. */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { KernelSpec } from '../../../src/gpu/wgsl/kernels.ts';
import { assemble } from '../../../src/gpu/wgsl/wgsl.ts';
import { allCases } from '../../../src/verify/cases/all.ts';
import { allVariants, formOf } from '../../../src/verify/coverage.ts';
import { recordCase } from '../../../src/verify/prepared.ts';
import { unseparated } from './barriers.ts';

const test = suite('barriers');

const textOf = (stem: string): string => readFileSync(new URL(`../../../shaders/${stem}.wgsl`, import.meta.url), 'utf8');

/** One kernel of every form that has workgroup memory. */
const kernels = new Map<string, KernelSpec>();
for (const kernelCase of allCases) {
  for (const variant of kernelCase.hasVariants ? allVariants : [...allVariants].slice(0, 2)) {
    if (kernelCase.precision === 'mixed' && variant.variant === 'naive') continue;
    for (const operation of recordCase(kernelCase, variant).tape.operations) {
      if (textOf(operation.kernel.shader).includes('var<workgroup>')) kernels.set(formOf(operation), operation.kernel);
    }
  }
}

const racesOf = ({ shader, entry, constants = {} }: KernelSpec, text = textOf(shader)): string[] =>
  unseparated(assemble(text, constants, shader).code, entry);

test('no array of workgroup memory is read and written without a barrier in between', () => {
  const files = new Set([...kernels.values()].map(({ shader }) => shader));
  assert.ok(files.has('conv1d.matrix') && files.has('residualLayer.tile') && files.has('reduceMany') && files.size >= 9, [...files].join());
  for (const [form, kernel] of kernels) assert.equal(racesOf(kernel), [], form);
});

test('a barrier that is missing is found, whichever it is', () => {
  const unnoticed: string[] = [];
  for (const shader of new Set([...kernels.values()].map((kernel) => kernel.shader))) {
    const text = textOf(shader);
    const forms = [...kernels.values()].filter((kernel) => kernel.shader === shader);
    for (const { index } of text.matchAll(/\n *workgroupBarrier\(\);/g)) {
      const without = text.slice(0, index) + text.slice(index).replace(/\n *workgroupBarrier\(\);/, '\n');
      if (!forms.some((kernel) => racesOf(kernel, without).length > 0)) unnoticed.push(`${shader}:${text.slice(0, index).split('\n').length + 1}`);
    }
  }
  assert.equal(unnoticed, []);
});

test('own places need no barrier, those of others do', () => {
  const kernel = (body: string): string => `var<workgroup> a: array<f32, 64>; fn other(i: u32) -> f32 { return a[i]; }
    @compute @workgroup_size(64) fn main(@builtin(local_invocation_index) local: u32) { ${body} }`;
  const count = (body: string): number => unseparated(kernel(body), 'main').length;
  assert.is(count('a[local] = 1.0; a[local] += 2.0; let b = a[local];'), 0);
  assert.is(count('a[local] = 1.0; let b = a[local + 1u];'), 1);
  assert.is(count('a[local] = 1.0; let b = other(3u);'), 1);
  assert.is(count('a[local] = 1.0; workgroupBarrier(); let b = a[local + 1u];'), 0);
  assert.is(count('let b = a[local + 1u]; a[local] = 1.0;'), 1);
  assert.is(count('for (var i = 0u; i < 2u; i++) { a[local] = 1.0; workgroupBarrier(); let b = a[i]; }'), 1, 'of the next turn');
  assert.is(count('if (local < 3u) { a[local] = 1.0; } else if (local < 5u) { let b = a[7]; }'), 1);
  assert.is(count('for (var h = 32u; h > 0u; h /= 2u) { workgroupBarrier(); if (local < h) { a[local] += a[local + h]; } } let b = a[0];'), 0);
});

test.run();
