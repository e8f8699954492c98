/** Times and rates in words that fit a table. Pure. */
import type { ReadingFigureLine, StageFigures } from '../api/types';

export const STAGES = ['arrive', 'claim', 'write', 'review', 'return', 'open'] as const;
export type StageName = (typeof STAGES)[number];

export interface SpanWords {
  seconds: (count: number) => string;
  minutes: (count: number) => string;
  hours: (count: string) => string;
}

/** "45 s", "12 min", "3.4 h"; a dash where nothing is known. */
export function spanText(seconds: number | null | undefined, words: SpanWords): string {
  if (seconds === null || seconds === undefined) return '–';
  if (seconds < 90) return words.seconds(Math.round(seconds));
  if (seconds < 90 * 60) return words.minutes(Math.round(seconds / 60));
  return words.hours((seconds / 3600).toFixed(1).replace('.0', ''));
}

export function rateText(rate: number | null | undefined): string {
  return rate === null || rate === undefined ? '–' : `${(rate * 100).toFixed(1)} %`;
}

/** Breaches ÷ those of whom one could be told; null where there were none. */
export function breachRate(stage: StageFigures | undefined): number | null {
  return stage === undefined || stage.counted === 0 ? null : stage.breaches / stage.counted;
}

/** Where a time stands on a scale of decades from ten seconds to a week, 0 to 1: a minute and a day both stay readable. */
export function placeOf(seconds: number): number {
  const low = Math.log10(10);
  const high = Math.log10(7 * 86_400);
  return Math.min(1, Math.max(0, (Math.log10(Math.max(seconds, 1)) - low) / (high - low)));
}

/** Marks of that scale. */
export const SCALE_S = [60, 600, 3600, 86_400] as const;

export function highestOf(lines: readonly Pick<ReadingFigureLine, 'hours' | 'signed_hours'>[]): number {
  return Math.max(1, ...lines.flatMap((line) => [...line.hours, ...line.signed_hours]));
}
