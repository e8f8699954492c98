/**
 * The sheet cut into pages of A4 landscape, in exact millimetres. Pure; the same geometry as on screen, so that paper and
 * screen agree. A long stretch goes on over several pages, and so do more rows than a page holds.
 */
import { columnMarks, cutSheet, layOut, type Pulse, pulseCorners, rowCountOf, type Segment, type Sheet, type SheetRequest, tracesLeft } from './geometry';
import { tracePoints } from './trace';
import type { Source } from './sources';

export const PAGE_WIDTH_MM = 297;
export const PAGE_HEIGHT_MM = 210;
export const MARGIN_MM = 6;
export const HEAD_MM = 34;
export const FOOT_MM = 14;
/** Where the squared paper lies on the page. */
export const GRID_BOX = {
  xMm: MARGIN_MM, yMm: MARGIN_MM + HEAD_MM,
  widthMm: PAGE_WIDTH_MM - 2 * MARGIN_MM, heightMm: PAGE_HEIGHT_MM - 2 * MARGIN_MM - HEAD_MM - FOOT_MM,
};
const MIN_ROW_MM = 12;
/** A printer at 600 dpi sets 24 dots on a millimetre: a point each 0.05 mm loses nothing. */
const COLUMN_MM = 0.05;

/** One page: a sheet whose origin is the upper left corner of GRID_BOX. */
export function printPages(request: SheetRequest): Sheet[] {
  const { paper, durationS, startS } = request;
  const roomMm = GRID_BOX.widthMm - tracesLeft(paper.mmPerS);
  const across = Math.max(1, Math.ceil((durationS * paper.mmPerS) / roomMm - 1e-6));
  const rowCount = rowCountOf(request);
  const down = Math.max(1, Math.ceil((rowCount * MIN_ROW_MM) / GRID_BOX.heightMm));
  const rowsEach = Math.ceil(rowCount / down);
  const pages: Sheet[] = [];
  for (let block = 0; block < down; block += 1) {
    const sheet = layOut({
      ...request, topMm: 0, bottomMm: 0, maxRowsMm: GRID_BOX.heightMm, isFilled: true, firstRow: block * rowsEach, rowCount: rowsEach,
    });
    for (let piece = 0; piece < across; piece += 1) {
      const from = startS + (piece * durationS) / across;
      const cut = cutSheet(sheet, from, from + durationS / across);
      pages.push({ ...cut, widthMm: GRID_BOX.widthMm, heightMm: GRID_BOX.heightMm });
    }
  }
  return pages;
}

/** Lines of the squared paper, as one path of the fine and one of the heavy lines. */
export function gridPath(widthMm: number, heightMm: number, everyMm: 1 | 5): string {
  let path = '';
  const isMine = (mm: number) => (mm % 5 === 0) === (everyMm === 5);
  for (let mm = 0; mm <= widthMm; mm += 1) if (isMine(mm)) path += `M${String(mm)} 0V${String(heightMm)}`;
  for (let mm = 0; mm <= heightMm; mm += 1) if (isMine(mm)) path += `M0 ${String(mm)}H${String(widthMm)}`;
  return path;
}

/** A segment's trace as a path; to the hundredth of a millimetre. */
export function segmentPath(segment: Segment, sheet: Sheet, source: Source): string {
  const lead = source.leads[segment.leadIndex];
  if (lead === undefined) return '';
  return pathOf(tracePoints(lead, segment, sheet.paper, source.intervalUs, COLUMN_MM, source.shiftsMv[segment.leadIndex] ?? 0));
}

export function pulsePath(pulse: Pulse): string {
  return pulseCorners(pulse).map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${round(x)} ${round(y)}`).join('');
}

/** Short strokes where one lead ends and the next begins. */
export function columnPath(sheet: Sheet): string {
  return columnMarks(sheet).map(({ xMm, fromMm, toMm }) => `M${round(xMm)} ${round(fromMm)}V${round(toMm)}`).join('');
}

function pathOf(points: Float64Array): string {
  const parts: string[] = [];
  let isDown = false;
  for (let i = 0; i < points.length; i += 2) {
    const x = points[i] as number;
    if (Number.isNaN(x)) {
      isDown = false;
      continue;
    }
    parts.push(`${isDown ? 'L' : 'M'}${round(x)} ${round(points[i + 1] as number)}`);
    isDown = true;
  }
  return parts.join('');
}

function round(mm: number): string {
  return String(Math.round(mm * 100) / 100);
}
