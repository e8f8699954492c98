/** What a stretch is called on a day: whose it is, and from when until when there. */
import type { RosterEntryView } from '../api/types';
import { clockOf, partOn } from './calendar';
import type { RosterWords } from './use_words';

export function timesOf(day: string, stretch: { starts_at: string; ends_at: string }, zone: string): string {
  const part = partOn(day, stretch, zone);
  return part === null ? '' : `${clockOf(part.from)}–${clockOf(part.to)}`;
}

export function nameOf(entry: RosterEntryView, r: RosterWords): string {
  return entry.user_name === '' ? r.unknownPerson : entry.user_name;
}
