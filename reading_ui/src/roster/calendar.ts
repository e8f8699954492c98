/**
 * Days and minutes of the reading centre's wall clock, whatever zone the browser is in. A day is text such as
 * "2026-03-02"; a minute counts from its midnight and may lie beyond it. Pure.
 */
export interface Stretch {
  starts_at: string;
  ends_at: string;
}

/** A stretch as far as it lies on one day, in minutes of it; null where it does not touch the day. */
export interface DayPart {
  from: number;
  to: number;
}

export const DAY_MINUTES = 1440;
const DAY_MS = 86_400_000;

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-CA', {
      timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23',
    });
    formats.set(zone, format);
  }
  return format;
}

/** The wall clock of a moment, counted in milliseconds as if it were UTC. */
function wallMs(moment_ms: number, zone: string): number {
  const parts = Object.fromEntries(formatOf(zone).formatToParts(new Date(moment_ms)).map((part) => [part.type, part.value]));
  return Date.parse(`${parts.year ?? ''}-${parts.month ?? ''}-${parts.day ?? ''}T${parts.hour ?? ''}:${parts.minute ?? ''}:00Z`);
}

export function dayOf(iso: string, zone: string): string {
  return new Date(wallMs(Date.parse(iso), zone)).toISOString().slice(0, 10);
}

export function minuteOf(iso: string, zone: string): number {
  return Math.floor((wallMs(Date.parse(iso), zone) % DAY_MS) / 60_000);
}

/** The moment at which the centre's clock shows this minute of this day. */
export function instantOf(day: string, minute: number, zone: string): string {
  const wanted = Date.parse(`${day}T00:00:00Z`) + minute * 60_000;
  // Twice, because the offset that applies is that of the answer.
  let moment = wanted - (wallMs(wanted, zone) - wanted);
  moment = wanted - (wallMs(moment, zone) - moment);
  return new Date(moment).toISOString();
}

export function addDays(day: string, count: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + count * DAY_MS).toISOString().slice(0, 10);
}

/** 1 is Monday. */
export function weekdayOf(day: string): number {
  return (new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7 + 1;
}

export function mondayOf(day: string): string {
  return addDays(day, 1 - weekdayOf(day));
}

/** The weeks that a month's page shows, whole ones. */
export function monthDays(day: string): string[] {
  const first = `${day.slice(0, 7)}-01`;
  const start = mondayOf(first);
  const days: string[] = [];
  for (let at = start; at.slice(0, 7) <= day.slice(0, 7) || weekdayOf(at) !== 1; at = addDays(at, 1)) days.push(at);
  return days;
}

export function weekDays(day: string): string[] {
  const monday = mondayOf(day);
  return [0, 1, 2, 3, 4, 5, 6].map((count) => addDays(monday, count));
}

export function addMonths(day: string, count: number): string {
  const at = new Date(`${day.slice(0, 7)}-01T00:00:00Z`);
  at.setUTCMonth(at.getUTCMonth() + count);
  return at.toISOString().slice(0, 10);
}

export function partOn(day: string, stretch: Stretch, zone: string): DayPart | null {
  const firstDay = dayOf(stretch.starts_at, zone);
  const lastDay = dayOf(stretch.ends_at, zone);
  const from = firstDay < day ? 0 : firstDay > day ? DAY_MINUTES : minuteOf(stretch.starts_at, zone);
  const to = lastDay > day ? DAY_MINUTES : lastDay < day ? 0 : minuteOf(stretch.ends_at, zone);
  return from < to ? { from, to } : null;
}

/** The lane of each part, side by side where they overlap, and how many lanes their neighbours need. */
export function lanesOf(parts: readonly DayPart[]): { lane: number; lanes: number }[] {
  const order = parts.map((_, index) => index).sort((a, b) => (parts[a]?.from ?? 0) - (parts[b]?.from ?? 0) || a - b);
  const found = parts.map(() => ({ lane: 0, lanes: 1 }));
  let cluster: number[] = [];
  let ends: number[] = [];
  let until = -1;
  const close = (): void => {
    for (const index of cluster) {
      const one = found[index];
      if (one !== undefined) one.lanes = ends.length;
    }
    cluster = [];
    ends = [];
  };
  for (const index of order) {
    const part = parts[index];
    const one = found[index];
    if (part === undefined || one === undefined) continue;
    if (part.from >= until) close();
    let lane = ends.findIndex((end) => end <= part.from);
    if (lane < 0) lane = ends.length;
    ends[lane] = part.to;
    one.lane = lane;
    cluster.push(index);
    until = Math.max(until, part.to);
  }
  close();
  return found;
}

/** "08:00"; midnight at the end of a day is "24:00". */
export function clockOf(minute: number): string {
  const whole = Math.max(0, Math.min(minute, DAY_MINUTES));
  return `${String(Math.floor(whole / 60)).padStart(2, '0')}:${String(whole % 60).padStart(2, '0')}`;
}

/** Minutes of "08:30"; null for anything else. */
export function minutesOf(clock: string): number | null {
  const found = /^([01]?\d|2[0-4]):([0-5]\d)$/u.exec(clock.trim());
  if (found === null) return null;
  const minutes = Number(found[1]) * 60 + Number(found[2]);
  return minutes <= DAY_MINUTES ? minutes : null;
}

/** A shift from one time of the wall clock to another, past midnight where it does not end after it begins. */
export function shiftOn(day: string, from: number, to: number, zone: string): Stretch {
  return { starts_at: instantOf(day, from, zone), ends_at: instantOf(day, to > from ? to : to + DAY_MINUTES, zone) };
}

export function hoursOf(stretch: Stretch): number {
  return (Date.parse(stretch.ends_at) - Date.parse(stretch.starts_at)) / 3_600_000;
}
