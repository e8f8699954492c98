/**
 * Where everything lies on the paper, in millimetres and millivolts. Pure: the screen, the magnifier and the print ask
 * the same module, so that they agree. Origin is the sheet's upper left corner, y grows downwards, a positive voltage
 * goes up.
 */
import { isChestLead, type LayoutName, type Row, rowsOf, type Slot } from './layouts';

export const SPEEDS_MM_PER_S: readonly number[] = [12.5, 25, 50, 100];
export const GAINS_MM_PER_MV: readonly number[] = [5, 10, 20];

export interface Paper {
  mmPerS: number;
  mmPerMv: number;
  /** Chest leads at half the gain, as some readers want them in large hearts. */
  isChestHalved?: boolean;
}

/** A stretch of one lead on the sheet. */
export interface Segment {
  /** Which record the lead is of: 0 is the one being read; others are drawn beside or above it. */
  source: number;
  /** Index into that record's leads. */
  leadIndex: number;
  name: string;
  /** Left end. */
  xMm: number;
  /** Height of 0 mV. */
  baselineMm: number;
  /** Time of the left end and length, in seconds since its record began. */
  startS: number;
  durationS: number;
  mmPerMv: number;
  /** -1 where the lead is drawn upside down. */
  polarity: 1 | -1;
  /** Which colour of the ink; 0 is black. */
  ink: number;
  /** Where the lead's name stands above the zero line. */
  labelXMm: number;
  labelYMm: number;
  /** The long strip under the short ones. */
  isRhythm: boolean;
}

/** The calibration pulse of a row: 1 mV high, 0.2 s long; its second half is lower where chest leads are. */
export interface Pulse {
  xMm: number;
  baselineMm: number;
  widthMm: number;
  heightMm: number;
  endHeightMm: number;
}

export interface Sheet {
  widthMm: number;
  heightMm: number;
  /** Where the traces begin and what time stands there: x is linear in time over a row. */
  tracesLeftMm: number;
  startS: number;
  durationS: number;
  paper: Paper;
  segments: Segment[];
  pulses: Pulse[];
  /** Leads of the record that this layout does not show. */
  hidden: string[];
}

export interface SheetRequest {
  leadNames: readonly string[];
  layout: LayoutName;
  paper: Paper;
  /** Which stretch of the record stands on a row. */
  startS: number;
  durationS: number;
  isCabrera?: boolean;
  rhythm?: string | null;
  overlay?: readonly string[];
  /** How many rows a strip has; each goes on where the one above ends. */
  stripRows?: number;
  /** Room above and below the rows. */
  topMm?: number;
  bottomMm?: number;
  /** Rows that would need more are pressed together, by whole millimetres. */
  maxRowsMm?: number;
  /** Rows take what `maxRowsMm` leaves them, as on a printed page. */
  isFilled?: boolean;
  /** Only these rows, for a print that needs several pages. */
  firstRow?: number;
  rowCount?: number;
}

export const PULSE_MV = 1;
export const PULSE_S = 0.2;
export const HEADER_MM = 15;
export const FOOTER_MM = 10;
const PULSE_LEFT_MM = 2;
const GAP_MM = 3;
const RIGHT_MM = 5;
const GRID_MM = 5;
export const INKS = 8;

/** Height of a row at 10 mm/mV; other gains scale it. */
const ROW_MM: Record<LayoutName, number> = {
  '3x4': 30, '3x4+1': 30, '3x4+3': 25, '6x2': 20, '6x2+1': 20, '12x1': 15, strip: 20, overlay: 100,
};
const MOST_ROW_MM = 40;
const FEW_ROWS = 4;
const FEW_ROWS_MM = 30;

/** Lays the leads out. Every baseline lies on a heavy line of the grid, unless the rows are pressed together. */
export function layOut(request: SheetRequest): Sheet {
  const { leadNames, paper, startS, durationS, topMm = HEADER_MM, bottomMm = FOOTER_MM } = request;
  const all = allRows(request);
  const first = request.firstRow ?? 0;
  const rows = all.slice(first, first + (request.rowCount ?? all.length));
  const rowMm = rowHeightMm(request, rows.length);
  const tracesLeftMm = tracesLeft(paper.mmPerS);
  const sheet: Sheet = {
    widthMm: onGrid(tracesLeftMm + durationS * paper.mmPerS + RIGHT_MM),
    heightMm: topMm + rows.length * rowMm + bottomMm,
    tracesLeftMm, startS, durationS, paper, segments: [], pulses: [], hidden: [],
  };
  rows.forEach((row, index) => {
    const middleMm = rowMm % GRID_MM === 0 ? onGrid(rowMm / 2) : Math.round(rowMm / 2);
    const baselineMm = topMm + index * rowMm + middleMm;
    sheet.pulses.push(pulseOf(row, baselineMm, paper));
    const rowStartS = startS + (row.kind === 'strip' ? (first + index) * durationS : 0);
    placeRow(sheet, row, baselineMm, rowStartS, Math.min(7, rowMm / 2 - 2.5));
  });
  const shown = new Set(all.flatMap((row) => row.slots.map((slot) => slot.leadIndex)));
  sheet.hidden = leadNames.filter((_, index) => !shown.has(index));
  return sheet;
}

/** How many rows a request has on one endless sheet. */
export function rowCountOf(request: SheetRequest): number {
  return allRows(request).length;
}

/** Where the traces begin: right of the pulse, on a heavy line. */
export function tracesLeft(mmPerS: number): number {
  return onGrid(PULSE_LEFT_MM + PULSE_S * mmPerS + GAP_MM);
}

/**
 * A piece of a sheet from one time of its axis to another, for a page of paper or a magnifier: the same traces at the
 * same scale, moved so that the piece begins where traces begin.
 */
export function cutSheet(sheet: Sheet, fromS: number, toS: number): Sheet {
  const { mmPerS } = sheet.paper;
  const left = sheet.tracesLeftMm + (fromS - sheet.startS) * mmPerS;
  const right = sheet.tracesLeftMm + (toS - sheet.startS) * mmPerS;
  const segments = sheet.segments.flatMap((segment) => {
    const from = Math.max(segment.xMm, left);
    const to = Math.min(segment.xMm + segment.durationS * mmPerS, right);
    if (to - from < 1e-6) return [];
    const movedMm = from - left + sheet.tracesLeftMm;
    return [{ ...segment, startS: segment.startS + (from - segment.xMm) / mmPerS, durationS: (to - from) / mmPerS,
      xMm: movedMm, labelXMm: movedMm + Math.max(1, segment.labelXMm - segment.xMm) }];
  });
  const widthMm = onGrid(sheet.tracesLeftMm + (toS - fromS) * mmPerS + RIGHT_MM);
  return { ...sheet, segments, startS: fromS, durationS: toS - fromS, widthMm };
}

/** Millimetres from the sheet's left edge at a time. */
export function xOf(sheet: Sheet, atS: number): number {
  return sheet.tracesLeftMm + (atS - sheet.startS) * sheet.paper.mmPerS;
}

/** The time at so many millimetres from the left edge. */
export function timeAt(sheet: Sheet, xMm: number): number {
  return sheet.startS + (xMm - sheet.tracesLeftMm) / sheet.paper.mmPerS;
}

/** Millimetres from the sheet's upper edge of a voltage of a segment. */
export function yOf(segment: Segment, mv: number): number {
  return segment.baselineMm - mv * segment.mmPerMv * segment.polarity;
}

/** What stands beside a trace: its lead, the time where a strip goes on in another row, and a gain of its own. */
export function labelOf(segment: Segment, sheet: Sheet): string {
  const goesOn = segment.isRhythm && segment.startS > sheet.startS + 1e-6 ? ` ${String(Number(segment.startS.toFixed(1)))} s` : '';
  return `${segment.name}${goesOn}${segment.mmPerMv === sheet.paper.mmPerMv ? '' : ' ×½'}`;
}

/** The segment that a place on the sheet belongs to: that of its column whose zero line is nearest. */
export function segmentAt(sheet: Sheet, xMm: number, yMm: number): Segment | undefined {
  const farness = (segment: Segment): number => {
    const right = segment.xMm + segment.durationS * sheet.paper.mmPerS;
    const aside = Math.max(0, segment.xMm - xMm, xMm - right);
    return aside * 1000 + Math.abs(segment.baselineMm - yMm);
  };
  let best: Segment | undefined;
  for (const segment of sheet.segments) if (best === undefined || farness(segment) < farness(best)) best = segment;
  return best;
}

/** The corners of a calibration pulse, from left to right. */
export function pulseCorners({ xMm, baselineMm, widthMm, heightMm, endHeightMm }: Pulse): [number, number][] {
  const half = xMm + widthMm / 2;
  const end = xMm + widthMm;
  const step: [number, number][] = endHeightMm === heightMm ? [] : [[half, baselineMm - heightMm], [half, baselineMm - endHeightMm]];
  return [
    [xMm - 1, baselineMm], [xMm, baselineMm], [xMm, baselineMm - heightMm], ...step,
    [end, baselineMm - endHeightMm], [end, baselineMm], [end + 1, baselineMm],
  ];
}

/** Short strokes where one lead ends and the next begins. */
export function columnMarks(sheet: Sheet): { xMm: number; fromMm: number; toMm: number }[] {
  return sheet.segments.filter((segment) => segment.xMm > sheet.tracesLeftMm + 1e-6).flatMap(({ xMm, baselineMm }) => [
    { xMm, fromMm: baselineMm - 6, toMm: baselineMm - 3 }, { xMm, fromMm: baselineMm + 3, toMm: baselineMm + 6 },
  ]);
}

function allRows({ leadNames, layout, isCabrera = false, rhythm = null, overlay = [], stripRows = 1 }: SheetRequest): Row[] {
  const rows = rowsOf({ leadNames, layout, isCabrera, rhythm, overlay });
  return layout === 'strip' ? rows.flatMap((row) => Array.from({ length: stripRows }, () => row)) : rows;
}

function placeRow(sheet: Sheet, row: Row, baselineMm: number, startS: number, labelUpMm: number): void {
  const { paper, durationS, tracesLeftMm } = sheet;
  const isOverlay = row.kind === 'overlay';
  const columnS = isOverlay ? durationS : durationS / row.slots.length;
  row.slots.forEach((slot, index) => {
    if (slot.leadIndex < 0) return;
    const column = isOverlay ? 0 : index;
    const xMm = tracesLeftMm + column * columnS * paper.mmPerS;
    sheet.segments.push({
      source: 0, leadIndex: slot.leadIndex, name: slot.label, polarity: slot.polarity, mmPerMv: gainOf(slot, paper),
      baselineMm, isRhythm: row.kind === 'rhythm' || row.kind === 'strip', durationS: columnS, startS: startS + column * columnS, xMm,
      ink: isOverlay && row.slots.length > 1 ? 1 + (index % (INKS - 1)) : 0,
      labelXMm: xMm + 1 + (isOverlay ? index * 13 : 0), labelYMm: baselineMm - (isOverlay ? 45 : labelUpMm),
    });
  });
}

function pulseOf(row: Row, baselineMm: number, paper: Paper): Pulse {
  const gains = row.slots.map((slot) => gainOf(slot, paper));
  const all = gains.length === 0 ? [paper.mmPerMv] : gains;
  return { xMm: PULSE_LEFT_MM, baselineMm, widthMm: PULSE_S * paper.mmPerS, heightMm: PULSE_MV * Math.max(...all), endHeightMm: PULSE_MV * Math.min(...all) };
}

function gainOf(slot: Slot, paper: Paper): number {
  return paper.isChestHalved === true && isChestLead(slot.label) ? paper.mmPerMv / 2 : paper.mmPerMv;
}

function rowHeightMm({ layout, paper, maxRowsMm = Number.POSITIVE_INFINITY, isFilled = false }: SheetRequest, rows: number): number {
  const usual = layout === '12x1' && rows <= FEW_ROWS ? FEW_ROWS_MM : ROW_MM[layout];
  const scale = layout === 'overlay' ? 1 : paper.mmPerMv > 10 ? 1.5 : paper.mmPerMv < 10 ? 0.8 : 1;
  const mostMm = Math.floor(maxRowsMm / Math.max(1, rows));
  const wantedMm = isFilled ? Math.max(usual * scale, Math.min(MOST_ROW_MM, mostMm - GRID_MM + 1)) : usual * scale;
  return Math.min(onGrid(wantedMm), mostMm);
}

/** Up to the next heavy line. */
function onGrid(mm: number): number {
  return Math.ceil(mm / GRID_MM - 1e-9) * GRID_MM;
}
