import { describe, expect, it } from 'vitest';

import { dueClock, isClosed, spanOf } from './due';

const arrived = '2026-01-05T08:00:00Z';
const due = '2026-01-05T08:30:00Z';
const at = (time: string): number => Date.parse(`2026-01-05T${time}Z`);

describe('the clock of a reading (D4)', () => {
  it('is calm in the first half of its time', () => {
    expect(dueClock(arrived, due, at('08:14:59')).tone).toBe('calm');
  });

  it('turns amber when half of the time is gone', () => {
    expect(dueClock(arrived, due, at('08:15:00')).tone).toBe('amber');
  });

  it('turns red when four fifths of the time are gone', () => {
    expect(dueClock(arrived, due, at('08:23:59')).tone).toBe('amber');
    expect(dueClock(arrived, due, at('08:24:00')).tone).toBe('red');
  });

  it('is overdue one moment after the due time, and says by how much', () => {
    const clock = dueClock(arrived, due, at('08:42:00'));
    expect(clock).toMatchObject({ tone: 'red', isOverdue: true, left_ms: -12 * 60_000, waited_ms: 42 * 60_000 });
    expect(dueClock(arrived, due, at('08:30:00')).isOverdue).toBe(false);
  });

  it('is red at once when it arrived after its due time', () => {
    expect(dueClock(due, arrived, at('08:31:00'))).toMatchObject({ tone: 'red', isOverdue: true });
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
    expect(['final', 'returned', 'given_up', 'withdrawn'].every(isClosed)).toBe(true);
    expect(['unread', 'in_progress', 'awaiting_review', 'in_review', 'rejected'].some(isClosed)).toBe(false);
  });
});
