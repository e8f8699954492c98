/** One day of a month: a line of 24 hours that shows where nobody is, and the people under it. */
import type { DutyGroupView, GapView, ReaderView, RosterEntryView } from '../api/types';
import { DAY_MINUTES, type DayPart, partOn } from './calendar';
import { weeklyParts } from './day_parts';
import { nameOf, timesOf } from './entry_text';
import { useRosterWords } from './use_words';

interface DayStripProps {
  day: string;
  duties: RosterEntryView[];
  gaps: GapView[];
  group: DutyGroupView;
  people: ReaderView[];
  zone: string;
  isActive: boolean;
  onEntry: (entry: RosterEntryView) => void;
}

export function DayStrip({ day, duties, gaps, group, people, zone, isActive, onEntry }: DayStripProps) {
  const r = useRosterWords();
  const open = gaps.filter((gap) => gap.covered_by === null);
  const parts = (stretches: { starts_at: string; ends_at: string }[]): DayPart[] =>
    stretches.flatMap((one) => { const part = partOn(day, one, zone); return part === null ? [] : [part]; });
  return (
    <>
      <div className="strip" aria-hidden>
        {weeklyParts(group, day, people).map((part, index) => <i key={`w${String(index)}`} className="weekly" style={placed(part)} />)}
        {parts(duties).map((part, index) => <i key={`d${String(index)}`} className="duty" style={placed(part)} />)}
        {parts(open).map((part, index) => <i key={`g${String(index)}`} className="gap" style={placed(part)} />)}
      </div>
      {duties.map((entry) => (
        <button
          key={entry.id}
          type="button"
          className="stretch-chip"
          tabIndex={isActive ? 0 : -1}
          draggable={group.may_plan}
          onDragStart={(event) => { event.dataTransfer.setData('application/x-roster', JSON.stringify({ kind: 'entry', id: entry.id })); }}
          onClick={() => { onEntry(entry); }}
          data-testid="stretch"
        >
          {nameOf(entry, r)} <span>{timesOf(day, entry, zone)}</span>
        </button>
      ))}
      {open.map((gap) => (
        <span key={gap.starts_at} className="gap-line" data-testid="gap">
          {r.nobody} {timesOf(day, gap, zone)}
        </span>
      ))}
    </>
  );
}

function placed(part: DayPart): { left: string; width: string } {
  return { left: `${String((part.from / DAY_MINUTES) * 100)}%`, width: `${String(((part.to - part.from) / DAY_MINUTES) * 100)}%` };
}
