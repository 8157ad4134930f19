/** The text of a kernel that runs a part of its grid, for a dispatch that is too long by itself: see `program/slices.ts`. */

/** `id.y * groups.x` and `group.y * groups.x`. */
const rowsBefore = /\b(id|group)\.y \* groups\.x\b/g;

/** The kernel's text with the rows before the slice counted in; undefined where it counts its workgroups otherwise. */
export function slicedText(text: string): string | undefined {
  const grids = text.match(/@builtin\(num_workgroups\)/g)?.length ?? 0;
  const counted = text.match(rowsBefore)?.length ?? 0;
  if (grids === 0 || grids !== counted || !/^struct Params \{$/m.test(text)) return undefined;
  return text
    .replace(/^struct Params \{$/m, 'struct Params { firstRow: u32,') // on the same line: errors name the file's own
    .replace(rowsBefore, '($1.y + params.firstRow) * groups.x');
}
