/** Lines of words for a printed page: SVG does not break lines, so we do. Pure. */

const BETWEEN = '  ·  ';

/** Parts put into lines no wider than so many millimetres; a part is never broken, only a too long one is cut with "…". */
export function wrap(parts: readonly string[], widthMm: number, sizeMm: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    if (part === '') continue;
    const fitting = shortened(part, widthMm, sizeMm);
    const last = lines.at(-1);
    const together = last === undefined ? fitting : `${last}${BETWEEN}${fitting}`;
    if (last !== undefined && widthOf(together, sizeMm) <= widthMm) lines[lines.length - 1] = together;
    else lines.push(fitting);
  }
  return lines;
}

/** A careful guess: a Han character is as wide as high, a Latin one about six tenths. */
export function widthOf(text: string, sizeMm: number): number {
  let ems = 0;
  for (const character of text) ems += character > '\u2e7f' ? 1 : 0.6;
  return ems * sizeMm;
}

function shortened(text: string, widthMm: number, sizeMm: number): string {
  if (widthOf(text, sizeMm) <= widthMm) return text;
  let short = text;
  while (short.length > 1 && widthOf(`${short}…`, sizeMm) > widthMm) short = short.slice(0, -1);
  return `${short}…`;
}
