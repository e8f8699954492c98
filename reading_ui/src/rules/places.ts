/** Places in a text: lines and columns as `check` counts them (from 1), offsets as the editor does. Pure. */

/** A place behind the end of its line is the end of the line; behind the last line, the end of the text. */
export function offsetOf(text: string, line: number, column: number): number {
  let start = 0;
  for (let at = 1; at < line; at += 1) {
    const next = text.indexOf('\n', start);
    if (next < 0) return text.length;
    start = next + 1;
  }
  const end = text.indexOf('\n', start);
  const length = (end < 0 ? text.length : end) - start;
  // The gateway counts characters, the browser halves of them: a character outside the first plane is two.
  const units = [...text.slice(start, start + length)].slice(0, Math.max(0, column - 1)).join('').length;
  return start + Math.min(length, units);
}

/** What to underline at an offset: the name or number there, else one character, never a line's break. */
export function wordAround(text: string, offset: number): [number, number] {
  const rest = /^(?:[\w.]+|"[^"\n]*"|[^\s\w]+)/u.exec(text.slice(offset));
  if (rest) return [offset, offset + rest[0].length];
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
  return offset > lineStart ? [offset - 1, offset] : [offset, Math.min(text.length, text[offset] === '\n' ? offset : offset + 1)];
}

export interface Change {
  from: number;
  to: number;
  insert: string;
}

/** The one span in which two texts differ; null when they are the same. */
export function changeBetween(before: string, after: string): Change | null {
  if (before === after) return null;
  const most = Math.min(before.length, after.length);
  let head = 0;
  while (head < most && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < most - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1;
  return { from: head, to: before.length - tail, insert: after.slice(head, after.length - tail) };
}
