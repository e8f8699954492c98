/**
 * The clock of a reading: how long it has waited and how much is left of the stage that somebody waits for.
 *
 * Four fifths of the time gone is amber, over it is red; a finished reading has no clock.
 */
export type DueTone = 'calm' | 'amber' | 'red';

export interface DueClock {
  tone: DueTone;
  isOverdue: boolean;
  /** Time left; negative when overdue. */
  left_ms: number;
  waited_ms: number;
}

export const AMBER_FROM = 0.8;

const CLOSED = new Set(['final', 'returned', 'given_up', 'withdrawn', 'read_elsewhere']);

export function isClosed(state: string): boolean {
  return CLOSED.has(state);
}

export function dueClock(arrivedAt: string, dueAt: string, now_ms: number): DueClock {
  const arrived_ms = Date.parse(arrivedAt);
  const due_ms = Date.parse(dueAt);
  const waited_ms = Math.max(0, now_ms - arrived_ms);
  const left_ms = due_ms - now_ms;
  const whole_ms = due_ms - arrived_ms;
  const used = whole_ms > 0 ? waited_ms / whole_ms : 1;
  const isOverdue = left_ms < 0;
  const tone = isOverdue ? 'red' : used >= AMBER_FROM ? 'amber' : 'calm';
  return { tone, isOverdue, left_ms, waited_ms };
}

/** What a row says of its clock; `clock` is null in readings from before stages were timed. */
export interface Timed {
  arrived_at: string;
  due_at: string;
  clock: { stage: string; started_at: string; due_at: string } | null;
}

/** The clock of the stage that somebody waits for; waiting counts from the arrival. */
export function clockOf(row: Timed, now_ms: number): DueClock & { stage: string; due_at: string } {
  const { stage, started_at, due_at } = row.clock ?? { stage: 'review', started_at: row.arrived_at, due_at: row.due_at };
  return { ...dueClock(started_at, due_at, now_ms), waited_ms: Math.max(0, now_ms - Date.parse(row.arrived_at)), stage, due_at };
}

export interface Span {
  days: number;
  hours: number;
  minutes: number;
  seconds: number;
}

/** Splits a length of time; the sign is dropped. */
export function spanOf(length_ms: number): Span {
  const seconds = Math.floor(Math.abs(length_ms) / 1000);
  return {
    days: Math.floor(seconds / 86_400),
    hours: Math.floor(seconds / 3600) % 24,
    minutes: Math.floor(seconds / 60) % 60,
    seconds: seconds % 60,
  };
}
