/** The people of the group, to be dragged onto a day, and the shift that they get there. */
import type { DutyGroupView, ReaderView, RosterView } from '../api/types';
import { TextField } from '../parts/field';
import { clockOf, hoursOf, minutesOf } from './calendar';
import { useRosterWords } from './use_words';

export interface Shift {
  from: number;
  to: number;
}

const PRESETS = { day: { from: 480, to: 1080 }, night: { from: 1080, to: 480 }, whole: { from: 0, to: 1440 } } as const;

interface PeoplePanelProps {
  staff: ReaderView[];
  data: RosterView;
  group: DutyGroupView;
  shift: Shift;
  onShift: (shift: Shift) => void;
}

export function PeoplePanel({ staff, data, group, shift, onShift }: PeoplePanelProps) {
  const r = useRosterWords();
  const hours = (user: string): number =>
    Math.round(data.entries.filter((entry) => entry.kind === 'duty' && entry.group === group.id && entry.user_id === user).reduce((sum, entry) => sum + hoursOf(entry), 0));
  const set = (key: 'from' | 'to', text: string): void => {
    const minutes = minutesOf(text);
    if (minutes !== null) onShift({ ...shift, [key]: minutes });
  };
  return (
    <section className="roster-people" aria-label={r.people}>
      <h2>{r.people}</h2>
      <p className="secondary">{r.peopleHint}</p>
      <div className="roster-buttons" role="group" aria-label={r.shift}>
        {(Object.keys(PRESETS) as (keyof typeof PRESETS)[]).map((key) => (
          <button key={key} type="button" className="button" aria-pressed={shift.from === PRESETS[key].from && shift.to === PRESETS[key].to} onClick={() => { onShift(PRESETS[key]); }} data-testid={`shift-${key}`}>
            {r.shifts[key]}
          </button>
        ))}
      </div>
      <div className="roster-times" key={`${String(shift.from)}-${String(shift.to)}`}>
        <TextField label={r.from} type="time" defaultValue={clockOf(shift.from)} onBlur={(event) => { set('from', event.target.value); }} />
        <TextField label={r.to} type="time" defaultValue={clockOf(shift.to % 1440)} onBlur={(event) => { set('to', event.target.value); }} />
      </div>
      <ol>
        {staff.map((person, index) => (
          <li
            key={person.user_id}
            className="person"
            draggable
            onDragStart={(event) => { event.dataTransfer.setData('application/x-roster', JSON.stringify({ kind: 'person', id: person.user_id })); }}
            data-testid="person"
            data-login={person.login}
          >
            <span className="person-key">{index < 9 ? index + 1 : ''}</span>
            <span className={`dot ${person.presence}`} aria-hidden />
            <span className="person-name">
              {person.name}
              <span className="secondary">
                {person.is_on_leave ? r.onLeave : (r.presence[person.presence] ?? '')} · {r.hours(hours(person.user_id))}
              </span>
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
