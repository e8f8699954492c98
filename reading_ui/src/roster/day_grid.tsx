/**
 * Seven days a row, as a grid: one row of tall days with a clock for a week, whole weeks for a month.
 *
 * Mouse: drop a person or a stretch on a day; press a day or a stretch to change it. Keyboard: arrows move, Enter plans,
 * a number puts that person on duty with the chosen shift, N notes leave, Tab goes through the stretches of the day.
 */
import { type DragEvent, type KeyboardEvent, useEffect, useRef, useState } from 'react';

import type { DutyGroupView, HolidayView, ReaderView, RosterEntryView, RosterView } from '../api/types';
import { useLanguage } from '../words/language';
import { partOn, weekdayOf } from './calendar';
import { DayClock } from './day_clock';
import { DayStrip } from './day_strip';
import type { Dragged } from './dragged';
import { nameOf, timesOf } from './entry_text';
import type { Span } from './toolbar';
import { type RosterWords, useRosterWords } from './use_words';

const STEP: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };

interface DayGridProps {
  span: Span;
  days: string[];
  today: string;
  month: string;
  data: RosterView;
  group: DutyGroupView;
  groupName: (id: string) => string;
  staff: ReaderView[];
  people: ReaderView[];
  onDrop: (what: Dragged, day: string) => void;
  onNew: (day: string, kind: 'duty' | 'leave') => void;
  onPerson: (index: number, day: string) => void;
  onEntry: (entry: RosterEntryView) => void;
  onDay: (day: string) => void;
}

export function DayGrid(props: DayGridProps) {
  const { span, days, today } = props;
  const r = useRosterWords();
  const [active, setActive] = useState(days.includes(today) ? today : (days[0] ?? ''));
  const cells = useRef(new Map<string, HTMLDivElement>());
  const isMoving = useRef(false);
  const shown = days.includes(active) ? active : (days[0] ?? '');
  useEffect(() => {
    if (isMoving.current) cells.current.get(shown)?.focus();
    isMoving.current = false;
  }, [shown]);

  const press = (event: KeyboardEvent, day: string): void => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = STEP[event.key];
    if (step !== undefined) {
      const next = days[days.indexOf(day) + step];
      if (next !== undefined) {
        isMoving.current = true;
        setActive(next);
      }
    } else if (event.key === 'Enter') props.onNew(day, 'duty');
    else if (event.key.toLowerCase() === 'n') props.onNew(day, 'leave');
    else if (/^[1-9]$/u.test(event.key)) props.onPerson(Number(event.key) - 1, day);
    else return;
    event.preventDefault();
  };

  const weeks: string[][] = [];
  for (let start = 0; start < days.length; start += 7) weeks.push(days.slice(start, start + 7));
  return (
    <div className={`day-grid day-grid-${span}`} role="grid" aria-label={props.groupName(props.group.id)} aria-describedby="roster-help" data-testid="day-grid">
      <div role="row" className="day-row day-row-head">
        {r.weekdays.map((name) => (
          <div key={name} role="columnheader">
            {name}
          </div>
        ))}
      </div>
      {weeks.map((week) => (
        <div key={week[0]} role="row" className="day-row">
          {week.map((day) => (
            <Day
              key={day}
              {...props}
              day={day}
              isActive={day === shown}
              onKeyDown={(event) => { press(event, day); }}
              onFocus={() => { setActive(day); }}
              hold={(cell) => {
                if (cell === null) cells.current.delete(day);
                else cells.current.set(day, cell);
              }}
            />
          ))}
        </div>
      ))}
    </div>
  );
}

interface DayProps extends DayGridProps {
  day: string;
  isActive: boolean;
  onKeyDown: (event: KeyboardEvent) => void;
  onFocus: () => void;
  hold: (cell: HTMLDivElement | null) => void;
}

function Day({ day, isActive, onKeyDown, onFocus, hold, ...props }: DayProps) {
  const { span, today, month, data, group, onDrop, onNew, onEntry, onDay } = props;
  const r = useRosterWords();
  const language = useLanguage();
  const [isOver, setOver] = useState(false);
  const zone = data.time_zone;
  const holiday = data.holidays.find((one) => one.day === day);
  const touching = data.entries.filter((entry) => partOn(day, entry, zone) !== null);
  const duties = touching.filter((entry) => entry.kind === 'duty' && entry.group === group.id);
  const wanted = new Set(props.staff.map((one) => one.user_id));
  const leaves = touching.filter((entry) => entry.kind === 'leave' && wanted.has(entry.user_id));
  const gaps = data.gaps.filter((gap) => gap.group === group.id && partOn(day, gap, zone) !== null);
  const open = gaps.filter((gap) => gap.covered_by === null);
  const isMine = (event: DragEvent): boolean => group.may_plan && event.dataTransfer.types.includes('application/x-roster');
  const drop = (event: DragEvent): void => {
    setOver(false);
    const what = event.dataTransfer.getData('application/x-roster');
    if (what === '') return;
    event.preventDefault();
    onDrop(JSON.parse(what) as Dragged, day);
  };
  const spoken = r.cell(`${day} ${r.weekdays[weekdayOf(day) - 1] ?? ''}`, duties.length, open.map((gap) => timesOf(day, gap, zone)).join(', '));
  const kind = [
    'day', holiday?.kind ?? '', day === today ? 'today' : '', span === 'month' && day.slice(0, 7) !== month ? 'outside' : '', isOver ? 'over' : '', open.length > 0 ? 'open' : '',
  ].filter((part) => part !== '').join(' ');
  return (
    <div
      ref={hold}
      role="gridcell"
      aria-current={day === today ? 'date' : undefined}
      tabIndex={isActive ? 0 : -1}
      className={kind}
      data-testid="day"
      data-day={day}
      onKeyDown={onKeyDown}
      onFocus={onFocus}
      onDoubleClick={() => { onNew(day, 'duty'); }}
      onDragOver={(event) => {
        if (!isMine(event)) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => { setOver(false); }}
      onDrop={drop}
    >
      <span className="visually-hidden">{spoken}</span>
      <div className="day-head">
        {data.may_plan_all ? (
          <button type="button" className="day-number" tabIndex={isActive ? 0 : -1} onClick={() => { onDay(day); }} title={r.dayTitle(day)} data-testid="day-number">
            {Number(day.slice(8))}
          </button>
        ) : (
          <span className="day-number">{Number(day.slice(8))}</span>
        )}
        {holiday !== undefined && (
          <span className={`day-mark ${holiday.kind}`} title={holiday.is_own ? r.ownDay : undefined}>
            {holiday.kind === 'holiday' ? r.dayOff : r.workday} {holidayName(holiday, r, language)}
          </span>
        )}
      </div>
      {leaves.map((entry) => (
        <button key={entry.id} type="button" className="leave-chip" tabIndex={isActive ? 0 : -1} onClick={() => { onEntry(entry); }} data-testid="leave">
          {r.leave} {nameOf(entry, r)}
        </button>
      ))}
      {span === 'week' ? (
        <DayClock day={day} duties={duties} gaps={gaps} group={group} people={props.people} zone={zone} isActive={isActive} groupName={props.groupName} onEntry={onEntry} />
      ) : (
        <DayStrip day={day} duties={duties} gaps={gaps} group={group} people={props.people} zone={zone} isActive={isActive} onEntry={onEntry} />
      )}
    </div>
  );
}

function holidayName(holiday: HolidayView, r: RosterWords, language: string): string {
  if (!holiday.is_own) return r.holidays[holiday.name] ?? holiday.name;
  return language === 'en' && holiday.name_en !== '' ? holiday.name_en : holiday.name;
}
