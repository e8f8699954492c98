/** The lines of the server put together for pictures: by subject, by month, by reason. Pure. */
import type { FigureLine } from '../api/types';

export const GRADES = ['excellent', 'good', 'acceptable', 'rejected'] as const;
export type GradeName = (typeof GRADES)[number];

const COUNTED = ['studies', 'graded', ...GRADES, 'retakes', 'retaken', 'declined'] as const;
type Counted = (typeof COUNTED)[number];

export interface Sum extends Record<Counted, number> {
  key: string;
  /** A line that names its subject, for words. */
  line: FigureLine | null;
  month: string;
}

/** Puts lines together that have the same key, in the order in which the keys come first. */
export function summed(lines: readonly FigureLine[], keyOf: (line: FigureLine) => string): Sum[] {
  const sums = new Map<string, Sum>();
  for (const line of lines) {
    const key = keyOf(line);
    const sum = sums.get(key) ?? empty(key, line);
    for (const name of COUNTED) sum[name] += line[name];
    sums.set(key, sum);
  }
  return [...sums.values()];
}

export const bySubject = (line: FigureLine): string => `${line.site_id}\n${line.key}`;

/** Rejected ÷ graded, null where nothing was graded: no rate is not a rate of nought. */
export function rateOf(sum: Pick<Sum, 'graded' | 'rejected'>): number | null {
  return sum.graded === 0 ? null : sum.rejected / sum.graded;
}

/** How often each reason was given, the most frequent first. */
export function reasonCounts(lines: readonly FigureLine[]): [code: string, count: number][] {
  const counts = new Map<string, number>();
  for (const line of lines) for (const [code, count] of Object.entries(line.reasons)) counts.set(code, (counts.get(code) ?? 0) + count);
  return [...counts].sort(([a, one], [b, other]) => other - one || a.localeCompare(b));
}

function empty(key: string, line: FigureLine): Sum {
  return { key, line, month: line.month, studies: 0, graded: 0, excellent: 0, good: 0, acceptable: 0, rejected: 0, retakes: 0, retaken: 0, declined: 0 };
}
