/**
 * Numbers with their sources: the cart's, the gateway's, a doctor's. Pure. The server says which of them counts; until it
 * has answered, the cart's own stand alone.
 */
import type { EcgAnalysisView } from '../api/types';
import type { RateSource } from './read_out';

export type Source = 'device' | 'gateway' | 'doctor';

export interface SourcedMeasurement {
  key: string;
  value: number;
  source: Source;
}

export function sourcedMeasurements(
  ofDevice: Readonly<Record<string, number>>, analysis: Pick<EcgAnalysisView, 'measurements'> | null,
): SourcedMeasurement[] {
  if (analysis === null) return Object.entries(ofDevice).map(([key, value]) => ({ key, value, source: 'device' }));
  return Object.entries(analysis.measurements).map(([key, { value, source }]) => ({ key, value, source: sourceOf(source) }));
}

/** The RR of the most trusted source, by itself or by the rate: a doctor's before the cart's, that before the gateway's. */
export function statedRate(measurements: readonly SourcedMeasurement[]): RateSource | null {
  const found = (['doctor', 'device', 'gateway'] as const).flatMap((from) => {
    const of = (key: string) => measurements.find((one) => one.key === key && one.source === from && one.value > 0)?.value;
    const rate = of('heart_rate_bpm');
    const rrMs = of('rr_ms') ?? (rate === undefined ? undefined : 60_000 / rate);
    return rrMs === undefined ? [] : [{ rrMs, from }];
  });
  return found[0] ?? null;
}

/** A word that we do not know counts as the least trusted. */
function sourceOf(word: string): Source {
  return word === 'device' || word === 'doctor' ? word : 'gateway';
}
