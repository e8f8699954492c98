/** Numbers as they are said on screen and in the report. */
import type { Reading } from './calipers';
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

/** A device measurement with its unit, by the key the server uses. */
export function measurementText(key: string, value: number, w: Words): { name: string; value: string } {
  const unit = key.endsWith('_bpm') ? w.perMinute : key.endsWith('_ms') ? 'ms' : key.endsWith('_deg') ? '°' : '';
  const number = String(Number(value.toFixed(1)));
  return { name: w.measurementNames[key] ?? key, value: unit === '°' ? `${number}°` : `${number} ${unit}`.trim() };
}

function parts({ ms, perMinute, mv }: Reading): { ms: string; rate: string; mv: string } {
  return { ms: ms === null ? '' : ms.toFixed(0), rate: perMinute === null ? '' : perMinute.toFixed(0), mv: mv === null ? '' : mv.toFixed(2) };
}
