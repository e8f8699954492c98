/** Which group, which span, which days; a group with open hours says so in its choice. */
import type { DutyGroupView, GapView } from '../api/types';
import { SelectField } from '../parts/field';
import { useFormat } from '../words';
import { useRosterWords } from './use_words';

export type Span = 'week' | 'month';

interface ToolbarProps {
  span: Span;
  day: string;
  days: string[];
  groups: DutyGroupView[];
  group: DutyGroupView;
  nameOf: (group: DutyGroupView) => string;
  gaps: GapView[];
  onSpan: (span: Span) => void;
  onGroup: (id: string) => void;
  /** 0: today. */
  onMove: (steps: number) => void;
}

export function CalendarToolbar({ span, day, days, groups, group, nameOf, gaps, onSpan, onGroup, onMove }: ToolbarProps) {
  const r = useRosterWords();
  const format = useFormat();
  const open = (id: string): number => gaps.filter((gap) => gap.group === id && gap.covered_by === null).length;
  return (
    <div className="roster-toolbar">
      <SelectField label={r.group} value={group.id} onChange={(event) => { onGroup(event.target.value); }} data-testid="roster-group">
        {groups.map((one) => (
          <option key={one.id} value={one.id}>
            {open(one.id) > 0 ? `${nameOf(one)} ⚠ ${String(open(one.id))}` : nameOf(one)}
          </option>
        ))}
      </SelectField>
      <div className="roster-buttons" role="group" aria-label={r.view}>
        {(['week', 'month'] as const).map((one) => (
          <button key={one} type="button" className="button" aria-pressed={span === one} onClick={() => { onSpan(one); }} data-testid={`span-${one}`}>
            {r[one]}
          </button>
        ))}
      </div>
      <div className="roster-buttons">
        <button type="button" className="button" aria-label={r.before} onClick={() => { onMove(-1); }} data-testid="roster-before">
          ‹
        </button>
        <button type="button" className="button" onClick={() => { onMove(0); }}>
          {r.today}
        </button>
        <button type="button" className="button" aria-label={r.after} onClick={() => { onMove(1); }} data-testid="roster-after">
          ›
        </button>
      </div>
      <strong className="roster-span" data-testid="roster-span">
        {span === 'week' ? r.range(format.date(days[0]), format.date(days[6])) : day.slice(0, 7)}
      </strong>
    </div>
  );
}
