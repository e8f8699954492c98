/**
 * The numbers of an ECG as a table: one row a measurement, one column a source, so that nobody has to take a number on
 * trust (K2). Pure. Where the gateway has no number it says why.
 */
import type { EcgAnalysisView } from '../api/types';
import type { Source } from './measurements';

/** In the order of trust; the first that has a number counts. */
export const SOURCES = ['doctor', 'device', 'gateway'] as const satisfies readonly Source[];

export interface NumberRow {
  key: string;
  values: Record<Source, number | null>;
  /** Whose number counts; null where nobody has one. */
  counts: Source | null;
  /** The sources do not say the same, as shown in whole units. */
  isDifferent: boolean;
  /** Why the gateway has no number: a machine word. */
  reason: string | null;
}

type Known = Pick<EcgAnalysisView, 'measurements' | 'not_measurable'>;

const ORDER: readonly string[] = [
  'heart_rate_bpm', 'rr_ms', 'p_ms', 'pr_ms', 'qrs_ms', 'qt_ms', 'qtc_ms', 'qtc_bazett_ms', 'qtc_fridericia_ms', 'qtc_framingham_ms',
  'qtc_hodges_ms', 'p_axis_deg', 'qrs_axis_deg', 't_axis_deg', 'rv5_mv', 'sv1_mv',
];

/** Until the server has answered, the cart's numbers stand alone. */
export function numberRows(ofDevice: Readonly<Record<string, number>>, analysis: Known | null): NumberRow[] {
  const measured = analysis?.measurements ?? {};
  const refused = analysis?.not_measurable ?? {};
  const names = new Set([...Object.keys(ofDevice), ...Object.keys(measured), ...Object.keys(refused)]);
  const known = ORDER.filter((key) => names.delete(key));
  return [...known, ...names].map((key) => {
    const found = measured[key];
    const values = { doctor: found?.doctor ?? null, device: found?.device ?? ofDevice[key] ?? null, gateway: found?.gateway ?? null };
    const said = SOURCES.flatMap((source) => (values[source] === null ? [] : [roundedAs(key, values[source])]));
    return { key, values, counts: SOURCES.find((source) => values[source] !== null) ?? null, isDifferent: new Set(said).size > 1, reason: refused[key] ?? null };
  });
}

/** As numbers are shown: millivolts to hundredths, ms, degrees and rates whole, anything else to tenths. */
export function roundedAs(key: string, value: number): string {
  const shown = value.toFixed(key.endsWith('_mv') ? 2 : /_(ms|deg|bpm)$/.test(key) ? 0 : 1);
  return Number(shown) === 0 ? shown.replace('-', '') : shown;
}

export interface StRow {
  lead: string;
  /** At J and 40, 60, 80 ms after it, in millivolts; null where the gateway has none. */
  mv: readonly (number | null)[];
}

export const ST_POINTS = ['j', 'j40', 'j60', 'j80'] as const;

export function stRows(stNv: Readonly<Record<string, Readonly<Record<string, number>>>>): StRow[] {
  return Object.entries(stNv).map(([lead, at]) => ({ lead, mv: ST_POINTS.map((point) => (at[point] === undefined ? null : at[point] / 1e6)) }));
}

/** A number of the same name in two ECGs, and by how much it grew. */
export interface Difference {
  key: string;
  earlier: number | null;
  earlierSource: Source | null;
  now: number | null;
  nowSource: Source | null;
  /** Of the rounded numbers, as the reader would reckon it; null where one is missing. */
  grew: number | null;
  /** Whose numbers are compared is not the same: a difference may be one of method. */
  isMixed: boolean;
}

/** From the same source in both where there is one; else of those that count. */
export function differences(earlier: readonly NumberRow[], now: readonly NumberRow[]): Difference[] {
  const keys = new Set([...now, ...earlier].filter((row) => row.counts !== null).map((row) => row.key));
  return [...keys].sort((a, b) => rank(a) - rank(b)).map((key) => {
    const before = earlier.find((row) => row.key === key);
    const after = now.find((row) => row.key === key);
    const shared = SOURCES.find((source) => before?.values[source] != null && after?.values[source] != null);
    const earlierSource = shared ?? before?.counts ?? null;
    const nowSource = shared ?? after?.counts ?? null;
    const one = earlierSource === null ? null : before?.values[earlierSource] ?? null;
    const other = nowSource === null ? null : after?.values[nowSource] ?? null;
    const grew = one === null || other === null ? null : turned(key, Number(roundedAs(key, other)) - Number(roundedAs(key, one)));
    return { key, earlier: one, earlierSource, now: other, nowSource, grew, isMixed: grew !== null && earlierSource !== nowSource };
  });
}

/** Axes go round: from 170° to −170° are 20°, not −340°. */
function turned(key: string, by: number): number {
  if (!key.endsWith('_deg')) return by;
  return ((((by + 180) % 360) + 360) % 360) - 180;
}

function rank(key: string): number {
  const at = ORDER.indexOf(key);
  return at < 0 ? ORDER.length : at;
}
