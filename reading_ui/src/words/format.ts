/**
 * Times, lengths, ages and sizes as people read them. Times stand in the gateway's zone, as on the printed report, wherever
 * the browser is: a reader at home and the clinic must see the same hour.
 */
import { spanOf } from '../model/due';
import type * as common from './common';
import { type Language, locale } from './language';

type Words = typeof common.zh;

export interface Format {
  /** "今天 14:05", "昨天 …", else the date with the time. */
  when: (iso: string | null | undefined) => string;
  dateTime: (iso: string | null | undefined) => string;
  clockTime: (iso: string | null | undefined) => string;
  /** A day of the calendar, such as a birth date: it is the same day in every zone. */
  date: (iso: string | null | undefined) => string;
  /** Whole minutes, the largest two units. */
  span: (length_ms: number) => string;
  age: (years: number | null) => string;
  sex: (code: string) => string;
  bytes: (size_bytes: number) => string;
  number: (value: number) => string;
}

const MISSING = '–';
const DAY_MS = 86_400_000;

export function formatOf(language: Language, words: Words, timeZone?: string): Format {
  const place = locale(language);
  const zone = known(timeZone);
  const full = new Intl.DateTimeFormat(place, {
    timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23',
  });
  const short = new Intl.DateTimeFormat(place, { timeZone: zone, month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const clock = new Intl.DateTimeFormat(place, { timeZone: zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const day = new Intl.DateTimeFormat(place, { timeZone: 'UTC', year: 'numeric', month: '2-digit', day: '2-digit' });
  const dayThere = new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' });
  const number = new Intl.NumberFormat(place);
  const using = (format: Intl.DateTimeFormat) => (iso: string | null | undefined) =>
    iso == null || Number.isNaN(Date.parse(iso)) ? MISSING : format.format(new Date(iso));

  return {
    dateTime: using(full),
    clockTime: using(clock),
    date: using(day),
    when: (iso) => {
      if (iso == null || Number.isNaN(Date.parse(iso))) return MISSING;
      const then = new Date(iso);
      const days = daysBetween(dayThere.format(then), dayThere.format(new Date()));
      if (days === 0) return `${words.today} ${clock.format(then)}`;
      return days === 1 ? `${words.yesterday} ${clock.format(then)}` : short.format(then);
    },
    span: (length_ms) => {
      const { days, hours, minutes, seconds } = spanOf(length_ms);
      if (days > 0) return words.spanDays(days, hours);
      if (hours > 0) return words.spanHours(hours, minutes);
      return minutes > 0 ? words.spanMinutes(minutes) : words.spanSeconds(seconds);
    },
    age: (years) => {
      if (years === null) return MISSING;
      if (years >= 2) return words.years(Math.floor(years));
      const months = Math.floor(years * 12);
      return months >= 1 ? words.months(months) : words.days(Math.floor(years * 365.25));
    },
    sex: (code) => ({ M: words.male, F: words.female, O: words.otherSex })[code] ?? MISSING,
    bytes: (size_bytes) => {
      const units = ['B', 'kB', 'MB', 'GB', 'TB'];
      let value = size_bytes;
      let unit = 0;
      while (value >= 1000 && unit < units.length - 1) {
        value /= 1000;
        unit += 1;
      }
      return `${unit === 0 || value >= 100 ? number.format(Math.round(value)) : value.toFixed(1)} ${units[unit] ?? ''}`;
    },
    number: (value) => number.format(value),
  };
}

/** Between two days written as 2026-03-02. */
function daysBetween(then: string, now: string): number {
  return Math.round((Date.parse(now) - Date.parse(then)) / DAY_MS);
}

/** The zone if this browser knows it. An old browser that does not still shows times, in its own zone. */
function known(timeZone: string | undefined): string | undefined {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone;
  } catch (problem) {
    if (problem instanceof RangeError) return undefined;
    throw problem;
  }
}
