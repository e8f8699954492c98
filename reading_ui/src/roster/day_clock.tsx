/** One day with its clock: dated stretches, the weekly hours pale behind them, and hours without anybody in red. */
import type { DutyGroupView, GapView, ReaderView, RosterEntryView } from '../api/types';
import { clockOf, DAY_MINUTES, type DayPart, lanesOf, partOn } from './calendar';
import { weeklyParts } from './day_parts';
import { nameOf, timesOf } from './entry_text';
import { useRosterWords } from './use_words';

interface DayClockProps {
  day: string;
  duties: RosterEntryView[];
  gaps: GapView[];
  group: DutyGroupView;
  people: ReaderView[];
  zone: string;
  isActive: boolean;
  groupName: (id: string) => string;
  onEntry: (entry: RosterEntryView) => void;
}

export function DayClock({ day, duties, gaps, group, people, zone, isActive, groupName, onEntry }: DayClockProps) {
  const r = useRosterWords();
  const parts = duties.flatMap((entry) => { const part = partOn(day, entry, zone); return part === null ? [] : [{ entry, part }]; });
  const lanes = lanesOf(parts.map((one) => one.part));
  return (
    <div className="day-clock">
      {weeklyParts(group, day, people).map((part, index) => (
        <div key={index} className="weekly" style={placed(part)} title={`${r.weekly} ${clockOf(part.from)}–${clockOf(part.to)} ${part.names}`}>
          <span>{part.names}</span>
        </div>
      ))}
      {gaps.map((gap) => {
        const part = partOn(day, gap, zone);
        if (part === null) return null;
        const words = gap.covered_by === null ? r.nobody : r.coveredBy(groupName(gap.covered_by));
        return (
          <div key={gap.starts_at} className={gap.covered_by === null ? 'gap' : 'gap covered'} style={placed(part)} data-testid="gap" title={`${words} ${timesOf(day, gap, zone)}`}>
            <span>{words}</span>
          </div>
        );
      })}
      {parts.map(({ entry, part }, index) => {
        const lane = lanes[index] ?? { lane: 0, lanes: 1 };
        return (
          <button
            key={entry.id}
            type="button"
            className="stretch"
            style={{ ...placed(part), left: `${String((lane.lane / lane.lanes) * 100)}%`, width: `${String(100 / lane.lanes)}%` }}
            tabIndex={isActive ? 0 : -1}
            draggable={group.may_plan}
            onDragStart={(event) => { event.dataTransfer.setData('application/x-roster', JSON.stringify({ kind: 'entry', id: entry.id })); }}
            onClick={() => { onEntry(entry); }}
            title={`${nameOf(entry, r)} ${timesOf(day, entry, zone)} ${entry.note}`}
            data-testid="stretch"
          >
            <b>{nameOf(entry, r)}</b>
            <span>{timesOf(day, entry, zone)}</span>
          </button>
        );
      })}
    </div>
  );
}

function placed(part: DayPart): { top: string; height: string } {
  return { top: `${String((part.from / DAY_MINUTES) * 100)}%`, height: `${String(((part.to - part.from) / DAY_MINUTES) * 100)}%` };
}
