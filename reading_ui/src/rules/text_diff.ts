/** Two texts line by line: what stayed, what went, what came. Pure. */
export interface DiffLine {
  kind: 'same' | 'gone' | 'new';
  text: string;
  /** Line numbers from 1; null where the line does not exist on that side. */
  before: number | null;
  after: number | null;
}

export function diffLines(from: string, to: string): DiffLine[] {
  const a = from.split('\n');
  const b = to.split('\n');
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  const middle = walked(a.slice(head, a.length - tail), b.slice(head, b.length - tail), head);
  const same = (line: string, at: number, shift: number): DiffLine => ({ kind: 'same', text: line, before: at + 1, after: at + shift + 1 });
  return [
    ...a.slice(0, head).map((line, at) => same(line, at, 0)),
    ...middle,
    ...a.slice(a.length - tail).map((line, at) => same(line, a.length - tail + at, b.length - a.length)),
  ];
}

/** Only the changed lines with `around` lines before and after; null stands for lines left out. */
export function hunksOf(lines: DiffLine[], around = 3): (DiffLine | null)[] {
  const isNear = lines.map(() => false);
  lines.forEach((line, at) => {
    if (line.kind === 'same') return;
    for (let near = Math.max(0, at - around); near <= Math.min(lines.length - 1, at + around); near += 1) isNear[near] = true;
  });
  const shown: (DiffLine | null)[] = [];
  lines.forEach((line, at) => {
    if (isNear[at] === true) shown.push(line);
    else if (shown.at(-1) !== null) shown.push(null);
  });
  return lines.some((line) => line.kind !== 'same') ? shown : [];
}

/** The longest common subsequence, walked from the start. */
function walked(a: string[], b: string[], shift: number): DiffLine[] {
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number): number => longest[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      longest[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const found: DiffLine[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      found.push({ kind: 'same', text: a[i] ?? '', before: shift + i + 1, after: shift + j + 1 });
      i += 1;
      j += 1;
    } else if (i < a.length && (j >= b.length || at(i + 1, j) >= at(i, j + 1))) {
      found.push({ kind: 'gone', text: a[i] ?? '', before: shift + i + 1, after: null });
      i += 1;
    } else {
      found.push({ kind: 'new', text: b[j] ?? '', before: null, after: shift + j + 1 });
      j += 1;
    }
  }
  return found;
}
