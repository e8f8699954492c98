/**
 * Where everything lies on the paper, in millimetres and millivolts. Pure: the screen and a later print ask the same
 * module, so that they agree. Origin is the sheet's upper left corner, y grows downwards, a positive voltage goes up.
 */

export type LayoutName = '3x4' | '6x2' | '12x1';
export const LAYOUTS: readonly LayoutName[] = ['3x4', '6x2', '12x1'];
export const SPEEDS_MM_PER_S: readonly number[] = [25, 50];
export const GAINS_MM_PER_MV: readonly number[] = [5, 10, 20];

export interface Paper {
  mmPerS: number;
  mmPerMv: number;
}

/** A stretch of one lead on the sheet. */
export interface Segment {
  /** Index into the record's leads. */
  leadIndex: number;
  name: string;
  /** Left end. */
  xMm: number;
  /** Height of 0 mV. */
  baselineMm: number;
  /** Time of the left end and length, in seconds since the record began. */
  startS: number;
  durationS: number;
  /** The long strip under the short ones. */
  isRhythm: boolean;
}

/** The calibration pulse of a row: 1 mV high, 0.2 s long. */
export interface Pulse {
  xMm: number;
  baselineMm: number;
  widthMm: number;
  heightMm: number;
}

export interface Sheet {
  widthMm: number;
  heightMm: number;
  /** Where the traces begin and what time stands there: x is linear in time over the whole sheet. */
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
  /** The page: which stretch of the record is shown. */
  startS: number;
  durationS: number;
}

export const PULSE_MV = 1;
export const PULSE_S = 0.2;
export const HEADER_MM = 15;
export const FOOTER_MM = 10;
const PULSE_LEFT_MM = 2;
const GAP_MM = 3;
const RIGHT_MM = 5;
const GRID_MM = 5;

const GRID_3X4 = [
  ['I', 'aVR', 'V1', 'V4'],
  ['II', 'aVL', 'V2', 'V5'],
  ['III', 'aVF', 'V3', 'V6'],
];
const GRID_6X2 = [
  ['I', 'V1'], ['II', 'V2'], ['III', 'V3'], ['aVR', 'V4'], ['aVL', 'V5'], ['aVF', 'V6'],
];
/** Height of a row at 10 mm/mV; other gains scale it. */
const ROW_MM: Record<LayoutName, number> = { '3x4': 30, '6x2': 25, '12x1': 20 };

/** Lays the leads out. Every baseline lies on a heavy line of the grid. */
export function layOut({ leadNames, layout, paper, startS, durationS }: SheetRequest): Sheet {
  const rows = rowsOf(layout, leadNames);
  const rowMm = rowHeightMm(layout, paper.mmPerMv);
  const pulseWidthMm = PULSE_S * paper.mmPerS;
  const tracesLeftMm = onGrid(PULSE_LEFT_MM + pulseWidthMm + GAP_MM);
  const sheet: Sheet = {
    widthMm: onGrid(tracesLeftMm + durationS * paper.mmPerS + RIGHT_MM),
    heightMm: HEADER_MM + rows.length * rowMm + FOOTER_MM,
    tracesLeftMm, startS, durationS, paper, segments: [], pulses: [], hidden: [],
  };
  rows.forEach((row, index) => {
    const baselineMm = HEADER_MM + index * rowMm + onGrid(rowMm / 2);
    sheet.pulses.push({ xMm: PULSE_LEFT_MM, baselineMm, widthMm: pulseWidthMm, heightMm: PULSE_MV * paper.mmPerMv });
    row.leads.forEach((name, column) => {
      const leadIndex = indexOf(leadNames, name);
      if (leadIndex < 0) return;
      const columnS = durationS / row.leads.length;
      sheet.segments.push({
        leadIndex, name, baselineMm, isRhythm: row.isRhythm, durationS: columnS, startS: startS + column * columnS,
        xMm: tracesLeftMm + column * columnS * paper.mmPerS,
      });
    });
  });
  const shown = new Set(sheet.segments.map((segment) => segment.leadIndex));
  sheet.hidden = leadNames.filter((_, index) => !shown.has(index));
  return sheet;
}

/** How long a page is: a usual ECG whole, a long recording in stretches of ten seconds. */
export function pageS(recordS: number): number {
  return recordS <= 12 ? Math.max(recordS, 1) : 10;
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
export function yOf(segment: Segment, paper: Paper, mv: number): number {
  return segment.baselineMm - mv * paper.mmPerMv;
}

/** The layout that shows most of a record with these leads. */
export function bestLayout(leadNames: readonly string[]): LayoutName {
  const standard = GRID_6X2.flat().filter((name) => indexOf(leadNames, name) >= 0).length;
  return standard >= 8 ? '3x4' : '12x1';
}

function rowHeightMm(layout: LayoutName, mmPerMv: number): number {
  const scale = mmPerMv > 10 ? 1.5 : mmPerMv < 10 ? 0.8 : 1;
  return onGrid(ROW_MM[layout] * scale);
}

interface Row {
  leads: readonly string[];
  isRhythm: boolean;
}

function rowsOf(layout: LayoutName, leadNames: readonly string[]): Row[] {
  if (layout === '6x2') return GRID_6X2.map((leads) => ({ leads, isRhythm: false }));
  if (layout === '12x1') return leadNames.map((name) => ({ leads: [name], isRhythm: false }));
  const rhythm = indexOf(leadNames, 'II') >= 0 ? 'II' : leadNames[0];
  const rows: Row[] = GRID_3X4.map((leads) => ({ leads, isRhythm: false }));
  return rhythm === undefined ? rows : [...rows, { leads: [rhythm], isRhythm: true }];
}

function indexOf(leadNames: readonly string[], name: string): number {
  return leadNames.indexOf(name);
}

/** Up to the next heavy line. */
function onGrid(mm: number): number {
  return Math.ceil(mm / GRID_MM - 1e-9) * GRID_MM;
}
