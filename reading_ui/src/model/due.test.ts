import { describe, expect, it } from 'vitest';

import { clockOf, dueClock, isClosed, spanOf } from './due';

const arrived = '2026-01-05T08:00:00Z';
const due = '2026-01-05T08:30:00Z';
const at = (time: string): number => Date.parse(`2026-01-05T${time}Z`);

describe('the clock of a reading (D4)', () => {
  it('is calm until four fifths of its time are gone, then amber', () => {
    expect(dueClock(arrived, due, at('08:23:59')).tone).toBe('calm');
    expect(dueClock(arrived, due, at('08:24:00')).tone).toBe('amber');
    expect(dueClock(arrived, due, at('08:30:00')).tone).toBe('amber');
  });

  it('is overdue one moment after the due time, and says by how much', () => {
    const clock = dueClock(arrived, due, at('08:42:00'));
    expect(clock).toMatchObject({ tone: 'red', isOverdue: true, left_ms: -12 * 60_000, waited_ms: 42 * 60_000 });
    expect(dueClock(arrived, due, at('08:30:00')).isOverdue).toBe(false);
  });

  it('is red at once when it arrived after its due time', () => {
    expect(dueClock(due, arrived, at('08:31:00'))).toMatchObject({ tone: 'red', isOverdue: true });
  });

  it('is that of the stage that somebody waits for, while waiting counts from the arrival', () => {
    const claim = { stage: 'claim', started_at: '2026-01-05T08:05:00Z', due_at: '2026-01-05T08:12:00Z' };
    const row = { arrived_at: arrived, due_at: due, clock: claim };
    expect(clockOf(row, at('08:11:00'))).toMatchObject({ stage: 'claim', tone: 'amber', left_ms: 60_000, waited_ms: 11 * 60_000 });
    expect(clockOf({ ...row, clock: null }, at('08:11:00'))).toMatchObject({ stage: 'review', tone: 'calm', due_at: due });
  });

  it('never shows a negative wait when the clocks of two machines differ', () => {
    expect(dueClock(arrived, due, at('07:59:00')).waited_ms).toBe(0);
  });
});

describe('lengths of time', () => {
  it('are split into days, hours, minutes and seconds without their sign', () => {
    expect(spanOf(-(((26 * 60 + 5) * 60 + 7) * 1000))).toEqual({ days: 1, hours: 2, minutes: 5, seconds: 7 });
  });
});

describe('a reading without a clock', () => {
  it('is one that nobody has to do anything about', () => {
    expect(['final', 'returned', 'given_up', 'withdrawn', 'read_elsewhere'].every(isClosed)).toBe(true);
    expect(['unread', 'in_progress', 'awaiting_review', 'in_review', 'rejected'].some(isClosed)).toBe(false);
  });
});
