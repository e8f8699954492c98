/**
 * Whether what hangs on the wall is what the gateway knows. Pure; times are of a clock that never jumps.
 *
 * A wall asks every few seconds, also when nothing is told to have happened: a line that is dead without saying so is
 * found out by silence. It counts as lost as soon as an answer fails, or when the last one is too old.
 */
export const ASK_EVERY_MS = 4000;
export const ANSWER_WITHIN_MS = 6000;
export const SILENT_FOR_MS = 12_000;

export interface Heard {
  /** When the last answer came, and what the gateway's clock said then. */
  at_ms: number;
  gateway_ms: number;
  /** The last question was answered. */
  isAnswered: boolean;
}

export function isFresh(heard: Heard, now_ms: number): boolean {
  return heard.isAnswered && now_ms - heard.at_ms <= SILENT_FOR_MS;
}

/** The gateway's clock now, carried on from its last answer: the screen's own clock may be wrong. */
export function gatewayNow(heard: Heard, now_ms: number): number {
  return heard.gateway_ms + (now_ms - heard.at_ms);
}

/** "4:05", "1:04:05": how long somebody has waited. */
export function waited(arrivedAt: string, now_ms: number): string {
  const seconds = Math.max(0, Math.floor((now_ms - Date.parse(arrivedAt)) / 1000));
  const two = (value: number) => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${String(hours)}:${two(minutes)}:${two(seconds % 60)}` : `${String(minutes)}:${two(seconds % 60)}`;
}
