import { describe, expect, it } from 'vitest';

import { addMonths, clockOf, dayOf, instantOf, lanesOf, minuteOf, minutesOf, mondayOf, monthDays, partOn, shiftOn, weekDays, weekdayOf } from './calendar';

const SHANGHAI = 'Asia/Shanghai';

describe('the centre\'s wall clock', () => {
  it('is the same whatever zone the browser is in', () => {
    expect(dayOf('2026-03-01T16:00:00Z', SHANGHAI)).toBe('2026-03-02');
    expect(minuteOf('2026-03-01T16:30:00Z', SHANGHAI)).toBe(30);
    expect(instantOf('2026-03-02', 30, SHANGHAI)).toBe('2026-03-01T16:30:00.000Z');
  });

  it('goes there and back through a change to summer time', () => {
    for (const day of ['2026-03-28', '2026-03-29', '2026-10-25']) {
      for (const minute of [0, 240, 720, 1439]) {
        const moment = instantOf(day, minute, 'Europe/Berlin');
        expect([dayOf(moment, 'Europe/Berlin'), minuteOf(moment, 'Europe/Berlin')]).toEqual([day, minute]);
      }
    }
  });

  it('knows weeks that begin on Monday', () => {
    expect(weekdayOf('2026-03-01')).toBe(7);
    expect(mondayOf('2026-03-01')).toBe('2026-02-23');
    expect(weekDays('2026-03-04')[0]).toBe('2026-03-02');
    expect(addMonths('2026-01-31', 1)).toBe('2026-02-01');
  });

  it('shows a month in whole weeks', () => {
    for (const month of ['2026-02-10', '2026-03-10', '2027-01-01', '2026-05-31']) {
      const days = monthDays(month);
      expect(days.length % 7).toBe(0);
      expect(weekdayOf(days[0] ?? '')).toBe(1);
      expect(days).toContain(`${month.slice(0, 7)}-01`);
      expect(days.filter((day) => day.slice(0, 7) === month.slice(0, 7)).length).toBeGreaterThan(27);
    }
  });
});

describe('a stretch on a day', () => {
  const night = shiftOn('2026-03-02', 18 * 60, 8 * 60, SHANGHAI);

  it('runs over midnight into the next day', () => {
    expect(partOn('2026-03-02', night, SHANGHAI)).toEqual({ from: 1080, to: 1440 });
    expect(partOn('2026-03-03', night, SHANGHAI)).toEqual({ from: 0, to: 480 });
    expect(partOn('2026-03-04', night, SHANGHAI)).toBeNull();
    expect(partOn('2026-03-01', night, SHANGHAI)).toBeNull();
  });

  it('that ends at midnight does not touch the next day', () => {
    const late = shiftOn('2026-03-02', 18 * 60, 24 * 60, SHANGHAI);
    expect(partOn('2026-03-02', late, SHANGHAI)).toEqual({ from: 1080, to: 1440 });
    expect(partOn('2026-03-03', late, SHANGHAI)).toBeNull();
  });

  it('stands beside what it overlaps, and has the day to itself where it does not', () => {
    expect(lanesOf([{ from: 0, to: 60 }, { from: 30, to: 90 }, { from: 90, to: 120 }])).toEqual([
      { lane: 0, lanes: 2 }, { lane: 1, lanes: 2 }, { lane: 0, lanes: 1 },
    ]);
    expect(lanesOf([])).toEqual([]);
  });
});

it('reads and writes times of the clock', () => {
  expect([clockOf(0), clockOf(510), clockOf(1440)]).toEqual(['00:00', '08:30', '24:00']);
  expect([minutesOf('8:30'), minutesOf('24:00'), minutesOf('24:30'), minutesOf('now')]).toEqual([510, 1440, null, null]);
});
