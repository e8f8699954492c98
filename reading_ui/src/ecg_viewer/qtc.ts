/**
 * QT corrected for rate, by the four formulas that reports name. Pure.
 *
 * Bazett 1920 (QT/√RR), Fridericia 1920 (QT/∛RR), Sagie (Framingham) 1992 (QT + 154·(1 − RR)), Hodges 1983
 * (QT + 1.75·(rate − 60)); QT in ms, RR in s, rate per minute. As in AHA/ACCF/HRS 2009, part IV (Rautaharju et al.).
 */

export const FORMULAS = ['bazett', 'fridericia', 'framingham', 'hodges'] as const;
export type Formula = (typeof FORMULAS)[number];

/** All four, in ms; null where the RR cannot be one (15 to 300 beats a minute). */
export function correctedQt(qtMs: number, rrMs: number | null): Record<Formula, number> | null {
  if (rrMs === null || rrMs < 200 || rrMs > 4000) return null;
  const rrS = rrMs / 1000;
  return {
    bazett: qtMs / Math.sqrt(rrS),
    fridericia: qtMs / Math.cbrt(rrS),
    framingham: qtMs + 154 * (1 - rrS),
    hodges: qtMs + 1.75 * (60 / rrS - 60),
  };
}
