/**
 * Which side of the patient is at which edge of the picture, however it is turned. The marks follow from the directions
 * in which the screen really runs through the image, so they cannot be left behind by a rotation or a flip (E1).
 */
import { type DicomJson, functionalGroup, numbersOf, textsOf } from './attributes';

/** A direction in the image: per step on the screen, so many columns to the right and rows down. */
export interface Direction {
  columns: number;
  rows: number;
}

export interface Marks {
  left: string;
  right: string;
  top: string;
  bottom: string;
}

export const NO_MARKS: Marks = { left: '', right: '', top: '', bottom: '' };

const OPPOSITE: Record<string, string> = { L: 'R', R: 'L', A: 'P', P: 'A', H: 'F', F: 'H' };

/** Marks for an image of which `right` runs along the screen's width and `down` along its height. */
export function marksOf(json: DicomJson, frame: number, right: Direction, down: Direction): Marks {
  const axes = axesOf(json, frame);
  if (axes === null) return NO_MARKS;
  const rightMark = letters(axes, right);
  const bottomMark = letters(axes, down);
  return { right: rightMark, left: opposite(rightMark), bottom: bottomMark, top: opposite(bottomMark) };
}

interface Axes {
  /** Patient coordinates (L, P, H) of one step along a row, to the right, and of one step down a column. */
  row: readonly number[];
  column: readonly number[];
}

function axesOf(json: DicomJson, frame: number): Axes | null {
  const cosines = numbersOf(functionalGroup(json, frame, '00209116') ?? json, '00200037');
  if (cosines.length === 6) return { row: cosines.slice(0, 3), column: cosines.slice(3) };
  const [row, column] = textsOf(json, '00200020');
  if (!isOrientation(row) || !isOrientation(column)) return null;
  return { row: vector(row), column: vector(column) };
}

function isOrientation(text: string | undefined): text is string {
  return text !== undefined && /^[LRAPHF]{1,3}$/.test(text);
}

/** "LF" is mostly left, somewhat towards the feet (PS3.3 C.7.6.1.1.1). */
function vector(text: string): number[] {
  const found = [0, 0, 0];
  [...text].forEach((letter, index) => {
    const axis = 'LPH'.indexOf(letter) >= 0 ? 'LPH'.indexOf(letter) : 'RAF'.indexOf(letter);
    found[axis] = ('LPH'.includes(letter) ? 1 : -1) * 0.5 ** index;
  });
  return found;
}

function letters(axes: Axes, direction: Direction): string {
  const along = [0, 1, 2].map((axis) => (axes.row[axis] ?? 0) * direction.columns + (axes.column[axis] ?? 0) * direction.rows);
  const size = Math.hypot(...along);
  if (size === 0) return '';
  return along
    .map((part, axis) => ({ share: Math.abs(part) / size, letter: part > 0 ? ('LPH'[axis] ?? '') : ('RAF'[axis] ?? '') }))
    .filter(({ share }) => share > 0.2)
    .sort((a, b) => b.share - a.share)
    .map(({ letter }) => letter)
    .join('');
}

function opposite(text: string): string {
  return [...text].map((letter) => OPPOSITE[letter] ?? '').join('');
}
