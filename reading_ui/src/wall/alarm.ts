/** Which emergencies ring. Pure. A mute silences those that were there; a new one rings all the same. */
export interface Mute {
  until_ms: number;
  studies: readonly string[];
}

export const MUTE_MS = 10 * 60_000;

export function muteAll(studies: readonly string[], now_ms: number): Mute {
  return { until_ms: now_ms + MUTE_MS, studies };
}

export function ringing(studies: readonly string[], mute: Mute | null, now_ms: number): string[] {
  return studies.filter((study) => mute === null || now_ms >= mute.until_ms || !mute.studies.includes(study));
}

/** The mute that is worth telling: one that silences something now. */
export function muteInForce(studies: readonly string[], mute: Mute | null, now_ms: number): Mute | null {
  return mute !== null && now_ms < mute.until_ms && studies.some((study) => mute.studies.includes(study)) ? mute : null;
}
