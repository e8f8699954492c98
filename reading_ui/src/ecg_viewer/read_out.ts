/** Numbers as they are said on screen and in the report. */
import type { Reading } from './calipers';
import { type FilterChoice, isRaw } from './filters';
import { correctedQt, FORMULAS } from './qtc';
import type * as words from './words';

type Words = typeof words.zh;

export function readingText(reading: Reading, w: Words): string {
  const { ms, rate, mv } = parts(reading);
  return reading.mv === null ? w.readTime(ms, rate) : w.readVoltage(mv);
}

/** The sentence that goes into the report. */
export function readingSentence(reading: Reading, w: Words): string {
  const { ms, rate, mv } = parts(reading);
  return reading.mv === null ? w.insertTime(ms, rate) : w.insertVoltage(mv);
}

/** The RR that corrects a QT, and where it is from. */
export interface RateSource {
  rrMs: number;
  from: 'caliper' | 'device' | 'gateway' | 'doctor';
}

/** QTc by each formula, as shown: name and whole milliseconds. */
export function qtcTexts(qtMs: number, rate: RateSource | null, w: Words): { name: string; value: string }[] {
  const corrected = correctedQt(qtMs, rate?.rrMs ?? null);
  if (corrected === null) return [];
  return FORMULAS.map((formula) => ({ name: w.formulas[formula], value: `${corrected[formula].toFixed(0)} ms` }));
}

export function qtSentence(qtMs: number, rate: RateSource | null, w: Words): string {
  const values = qtcTexts(qtMs, rate, w).map(({ name, value }) => `${name} ${value}`).join(w.comma);
  return rate === null || values === '' ? w.insertQt(qtMs.toFixed(0)) : w.insertQtc(qtMs.toFixed(0), rate.rrMs.toFixed(0), w.rateFrom[rate.from], values);
}

/** A device measurement with its unit, by the key the server uses. */
export function measurementText(key: string, value: number, w: Words): { name: string; value: string } {
  const unit = key.endsWith('_bpm') ? w.perMinute : key.endsWith('_ms') ? 'ms' : key.endsWith('_deg') ? '°' : key.endsWith('_mv') ? 'mV' : '';
  const number = String(Number(value.toFixed(unit === 'mV' ? 2 : unit === '' ? 1 : 0)));
  return { name: w.measurementNames[key] ?? key, value: unit === '°' ? `${number}°` : `${number} ${unit}`.trim() };
}

/** What filters the trace for the eye, as printed on it. */
export function filterText(choice: FilterChoice, w: Words): string {
  if (isRaw(choice)) return w.filterDisplay;
  const { lowCutHz, highCutHz, notchHz } = choice;
  const band = lowCutHz > 0 && highCutHz > 0 ? `${String(lowCutHz)}–${String(highCutHz)} Hz`
    : lowCutHz > 0 ? `≥ ${String(lowCutHz)} Hz` : highCutHz > 0 ? `≤ ${String(highCutHz)} Hz` : '';
  return w.filterShown([band, notchHz > 0 ? `${w.notch} ${String(notchHz)} Hz` : ''].filter((part) => part !== '').join(', '));
}

function parts({ ms, perMinute, mv }: Reading): { ms: string; rate: string; mv: string } {
  return { ms: ms === null ? '' : ms.toFixed(0), rate: perMinute === null ? '' : perMinute.toFixed(0), mv: mv === null ? '' : mv.toFixed(2) };
}
