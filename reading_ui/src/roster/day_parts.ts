/** Weekly hours of the rule file as they lie on one day, named: what stands behind the dated entries. Pure. */
import type { DutyGroupView, ReaderView } from '../api/types';
import { addDays, DAY_MINUTES, type DayPart, weekdayOf } from './calendar';

export interface WeeklyPart extends DayPart {
  names: string;
}

export function weeklyParts(group: DutyGroupView, day: string, people: readonly ReaderView[]): WeeklyPart[] {
  const today = weekdayOf(day);
  const yesterday = weekdayOf(addDays(day, -1));
  const found: WeeklyPart[] = [];
  for (const hours of group.weekly) {
    const names = hours.user_ids.map((id) => people.find((one) => one.user_id === id)?.name ?? '').filter((name) => name !== '').join('、');
    const isOver = hours.end_minute <= hours.start_minute;
    if (hours.days.includes(today)) found.push({ from: hours.start_minute, to: isOver ? DAY_MINUTES : hours.end_minute, names });
    if (isOver && hours.end_minute > 0 && hours.days.includes(yesterday)) found.push({ from: 0, to: hours.end_minute, names });
  }
  return found;
}
