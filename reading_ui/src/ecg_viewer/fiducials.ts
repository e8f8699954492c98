/**
 * The points of a median beat and what follows from them. Pure. The gateway's own points are never changed: a doctor's
 * stand beside them, and only those intervals become the doctor's of which a point was moved (as the server reckons).
 */
import { correctedQt, FORMULAS } from './qtc';

export const FIDUCIALS = ['p_onset', 'p_peak', 'p_offset', 'qrs_onset', 'r_peak', 'qrs_offset', 't_peak', 't_offset'] as const;
export type Fiducial = (typeof FIDUCIALS)[number];

/** µs after the start of the median beat; a point that nobody found is not there. */
export type Points = Partial<Record<Fiducial, number>>;

/** The grid that points lie on, and where the beat ends. */
export interface Beat {
  interval_us: number;
  sample_count: number;
}

const SPANS = {
  p_ms: ['p_onset', 'p_offset'], pr_ms: ['p_onset', 'qrs_onset'], qrs_ms: ['qrs_onset', 'qrs_offset'], qt_ms: ['qrs_onset', 't_offset'],
} as const satisfies Record<string, readonly [Fiducial, Fiducial]>;

/** Only names that we know, in their order. */
export function pointsOf(us: Readonly<Record<string, number>> | null): Points {
  const points: Points = {};
  for (const name of FIDUCIALS) if (us?.[name] !== undefined) points[name] = us[name];
  return points;
}

/**
 * Moves a point as near to `toUs` as its neighbours let it: at least a sample apart, on the grid of samples. A point
 * that was measured between two samples stays there until it is moved.
 */
export function moved(points: Points, name: Fiducial, toUs: number, beat: Beat): Points {
  const { low, high } = room(points, name, beat);
  if (low > high) return points;
  const samples = Math.round(toUs / beat.interval_us);
  const at = Math.min(high, Math.max(low, samples)) * beat.interval_us;
  return at === points[name] ? points : { ...points, [name]: at };
}

/** One or more samples on, from where the point is. */
export function stepped(points: Points, name: Fiducial, samples: number, beat: Beat): Points {
  const at = points[name];
  if (at === undefined) return points;
  // From between two samples the first step goes to the next one in its direction.
  const place = at / beat.interval_us;
  const whole = Math.abs(place - Math.round(place)) < 1e-6 ? Math.round(place) : samples > 0 ? Math.floor(place) : Math.ceil(place);
  return moved(points, name, (whole + samples) * beat.interval_us, beat);
}

const USUAL_FROM_R_US: Record<Fiducial, number> = {
  p_onset: -200_000, p_peak: -150_000, p_offset: -100_000, qrs_onset: -40_000, r_peak: 0, qrs_offset: 50_000, t_peak: 250_000, t_offset: 350_000,
};

/** Puts a point that nobody found where such points usually lie, between its neighbours. */
export function added(points: Points, name: Fiducial, beat: Beat): Points {
  const anchor = points.r_peak ?? points.qrs_onset ?? (beat.interval_us * beat.sample_count) / 2;
  return moved(points, name, anchor + USUAL_FROM_R_US[name], beat);
}

export function isSame(one: Points, other: Points): boolean {
  return FIDUCIALS.every((name) => one[name] === other[name]);
}

/** Every interval that the points give, and QTc by all formulas where the RR is known; to a tenth of a millisecond. */
export function intervalsOf(points: Points, rrMs: number | null): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [name, [from, to]] of Object.entries(SPANS)) {
    const begins = points[from];
    const ends = points[to];
    if (begins !== undefined && ends !== undefined) found[name] = tenths((ends - begins) / 1000);
  }
  const corrected = found.qt_ms === undefined ? null : correctedQt(found.qt_ms, rrMs);
  if (corrected !== null) for (const formula of FORMULAS) found[`qtc_${formula}_ms`] = tenths(corrected[formula]);
  return found;
}

/** The intervals that are the doctor's: those of which a point is not where the gateway has it. */
export function changedIntervals(before: Points, after: Points, rrMs: number | null): Record<string, number> {
  const isMoved = (name: Fiducial) => after[name] !== undefined && after[name] !== before[name];
  const mine = new Set<string>(Object.entries(SPANS).filter(([, [from, to]]) => isMoved(from) || isMoved(to)).map(([name]) => name));
  return Object.fromEntries(Object.entries(intervalsOf(after, rrMs)).filter(([name]) => mine.has(name) || (name.startsWith('qtc_') && mine.has('qt_ms'))));
}

/** First and last sample where a point may lie. */
function room(points: Points, name: Fiducial, beat: Beat): { low: number; high: number } {
  const at = FIDUCIALS.indexOf(name);
  const before = FIDUCIALS.slice(0, at).flatMap((other) => (points[other] === undefined ? [] : [points[other]]));
  const after = FIDUCIALS.slice(at + 1).flatMap((other) => (points[other] === undefined ? [] : [points[other]]));
  const low = before.length === 0 ? 0 : Math.floor(Math.max(...before) / beat.interval_us + 1e-6) + 1;
  const high = after.length === 0 ? beat.sample_count - 1 : Math.ceil(Math.min(...after) / beat.interval_us - 1e-6) - 1;
  return { low, high };
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
