/** Rows of text as lines whose columns are as wide as their widest cell, to the right; `left` makes the first one begin at the left. */
export function inColumns(rows: readonly (readonly string[])[], { left = false, gap = 2 }: { left?: boolean; gap?: number } = {}): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const cell = (text: string, column: number): string => (left && column === 0 ? text.padEnd(widths[0]!) : text.padStart(widths[column]!));
  return rows.map((row) => row.map(cell).join(' '.repeat(gap))).join('\n');
}
