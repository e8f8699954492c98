/**
 * A screen reader hears at most one message per five seconds; what comes meanwhile is told together, newest last.
 */
export const PAUSE_MS = 5000;

export class Announcements {
  #waiting: string[] = [];
  #spokenAt_ms = Number.NEGATIVE_INFINITY;

  add(message: string): void {
    if (!this.#waiting.includes(message)) this.#waiting.push(message);
  }

  /** The message to speak now, or null; `next_ms` says when to ask again, null when nothing waits. */
  take(now_ms: number): { message: string | null; next_ms: number | null } {
    if (this.#waiting.length === 0) return { message: null, next_ms: null };
    const free_ms = this.#spokenAt_ms + PAUSE_MS;
    if (now_ms < free_ms) return { message: null, next_ms: free_ms };
    const message = this.#waiting.join(' ');
    this.#waiting = [];
    this.#spokenAt_ms = now_ms;
    return { message, next_ms: null };
  }
}
