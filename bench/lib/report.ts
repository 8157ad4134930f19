/** Tables for people, and rows for machines. */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Gpu } from '../../src/gpu/device/gpu.ts';

const project = join(import.meta.dirname, '..', '..');

/** A table's head and body, columns as wide as their widest cell; numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const isNumeric = head.map((_, column) => rows.length > 0 && rows.every((row) => /^([-–\d].*)?$/.test(row[column] ?? '')));
  return all
    .map((row) => row.map((cell, column) => (isNumeric[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!))).join('  ').trimEnd())
    .join('\n');
}

/** Three significant digits, in full: 0.0123, 1.23, 123, 12,300. */
export function digits(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 3 });
}

export function percent(share: number | undefined): string {
  return share === undefined ? '–' : `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;
}

/** What a row must say about where it comes from. */
export interface Provenance {
  readonly date: string; // ISO 8601
  readonly adapter: string;
  readonly driver: string;
  readonly software: boolean;
  readonly versions: Readonly<Record<string, string>>;
}

export function provenance(gpu: Gpu): Provenance {
  const { device, description, vendor, architecture } = gpu.info;
  const versionOf = (path: string): string => JSON.parse(readFileSync(join(project, path, 'package.json'), 'utf8')).version;
  return {
    date: new Date().toISOString(),
    adapter: device || description || 'unnamed adapter',
    driver: [vendor, architecture, description].filter(Boolean).join(' · '),
    software: gpu.isSoftware,
    versions: { 'diffwave-webgpu': versionOf('.'), webgpu: versionOf('node_modules/webgpu'), node: process.versions.node },
  };
}

/** 'llvmpipe (LLVM 15.0.6, 256 bits)' → 'llvmpipe-llvm-15-0-6-256-bits'. */
export function fileStem(adapter: string): string {
  return adapter.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');
}

/** Appends rows to `bench/results/<adapter>.jsonl`; returns the file's path within the project. */
export function appendResults(gpu: Gpu, bench: string, rows: readonly object[]): string {
  const from = provenance(gpu);
  const path = `bench/results/${fileStem(from.adapter)}.jsonl`;
  appendRows(join(project, path), rows.map((row) => ({ bench, ...row, ...from })));
  return path;
}

/** Appends rows to a file, which are on the disk when this returns. */
export function appendRows(path: string, rows: readonly object[]): void {
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(path, 'a');
  try {
    const bytes = new TextEncoder().encode(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
