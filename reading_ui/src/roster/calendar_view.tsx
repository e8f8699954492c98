/** The calendar of one duty group by week or month, with the people to drag, the gaps ahead and the swaps that wait. */
import { useEffect, useMemo, useState } from 'react';

import { readers as readersApi, roster as api } from '../api/roster';
import type { DutyGroupView, ReaderView, RosterEntryView } from '../api/types';
import { useAnnounce } from '../app/announcer';
import { useLive } from '../app/live';
import { useAction, useResource } from '../app/resource';
import { useSession } from '../app/session';
import { Empty, Loading, Note, ProblemNote } from '../parts/notes';
import { useLanguage } from '../words/language';
import { addDays, addMonths, dayOf, instantOf, mondayOf, monthDays, partOn, shiftOn, weekDays } from './calendar';
import { DayDialog } from './day_dialog';
import { DayGrid } from './day_grid';
import type { Dragged } from './dragged';
import { EntryDialog, type Draft } from './entry_dialog';
import { GapList } from './gap_list';
import { PeoplePanel, type Shift } from './people_panel';
import { RosterProblem } from './problem';
import { SwapList } from './swap_list';
import { CalendarToolbar, type Span } from './toolbar';
import { useRosterWords } from './use_words';

type Open = { kind: 'entry'; draft: Draft } | { kind: 'day'; day: string } | null;

export function CalendarView() {
  const r = useRosterWords();
  const announce = useAnnounce();
  const { session } = useSession();
  const language = useLanguage();
  const zone = session.time_zone;
  const today = dayOf(new Date().toISOString(), zone);
  const [span, setSpan] = useState<Span>('week');
  const [day, setDay] = useState(today);
  const [chosenGroup, setGroup] = useState('');
  const [shift, setShift] = useState<Shift>({ from: 8 * 60, to: 18 * 60 });
  const [open, setOpen] = useState<Open>(null);
  const [told, setTold] = useState('');
  const days = useMemo(() => (span === 'week' ? weekDays(day) : monthDays(day)), [span, day]);
  const first = days[0] ?? day;
  const before = addDays(days[days.length - 1] ?? day, 1);
  // One key for all spans: the calendar stays on screen while another week is fetched.
  const shown = useResource((signal) => api.show(first, before, signal), 'roster');
  const { reload } = shown;
  useEffect(reload, [reload, first, before]);
  const people = useResource(readersApi.all, 'readers');
  useLive((event) => event.kind === 'roster' || event.kind === 'reader', () => { reload(); people.reload(); });
  const act = useAction(async (what: () => Promise<unknown>, said: string) => {
    try {
      const answer = await what();
      const words = typeof answer === 'string' ? answer : said;
      announce(words);
      setTold(typeof answer === 'string' ? answer : '');
    } finally {
      reload();
    }
  });

  if (shown.data === null || people.data === null) return shown.problem ? <ProblemNote problem={shown.problem} onRetry={shown.reload} /> : <Loading />;
  const data = shown.data;
  const group = data.groups.find((one) => one.id === chosenGroup) ?? data.groups[0];
  if (group === undefined) return <Empty>{r.noGroups}</Empty>;
  const staff = staffOf(group, people.data);
  const nameOf = (one: DutyGroupView): string => (language === 'en' && one.name_en !== '' ? one.name_en : one.name);
  const groupName = (id: string): string => {
    const found = data.groups.find((one) => one.id === id);
    return found === undefined ? id : nameOf(found);
  };
  const me = people.data.find((reader) => reader.is_me) ?? null;

  const put = (user: ReaderView, on: string): void => {
    const stretch = shiftOn(on, shift.from, shift.to, zone);
    void act.run(() => api.add({ kind: 'duty', group: group.id, user_id: user.user_id, note: '', revision: 0, ...stretch }), r.placed);
  };
  const drop = (what: Dragged, on: string): void => {
    const person = what.kind === 'person' ? staff.find((one) => one.user_id === what.id) : undefined;
    const entry = what.kind === 'entry' ? data.entries.find((one) => one.id === what.id) : undefined;
    if (person !== undefined) put(person, on);
    else if (entry !== undefined) void act.run(() => api.change(entry.id, movedTo(entry, on, zone)), r.moved);
  };
  const copy = async (): Promise<string> => {
    const week = mondayOf(first);
    const done = await api.copyWeek({ group: group.id, week: addDays(week, -7), to_week: week });
    return r.copied(done.added, done.skipped);
  };

  return (
    <div className="roster-body">
      <div className="roster-main">
        <CalendarToolbar
          span={span}
          day={day}
          days={days}
          groups={data.groups}
          group={group}
          nameOf={nameOf}
          gaps={data.gaps_ahead}
          onSpan={setSpan}
          onGroup={setGroup}
          onMove={(steps) => { setDay(steps === 0 ? today : span === 'week' ? addDays(day, 7 * steps) : addMonths(day, steps)); }}
        />
        {!group.may_plan && <Note tone="plain">{r.readOnly}</Note>}
        <RosterProblem problem={act.problem} />
        {told !== '' && act.problem === null && <Note tone="ok">{told}</Note>}
        <DayGrid
          span={span}
          days={days}
          today={today}
          month={day.slice(0, 7)}
          data={data}
          group={group}
          groupName={groupName}
          staff={staff}
          people={people.data}
          onDrop={drop}
          onNew={(on, kind) => {
            if (kind === 'duty' && !group.may_plan) return;
            setOpen({ kind: 'entry', draft: newDraft(kind, group, on, kind === 'leave' && !data.may_plan_all ? (me?.user_id ?? '') : '', shift, zone) });
          }}
          onPerson={(index, on) => { const person = staff[index]; if (person !== undefined && group.may_plan) put(person, on); }}
          onEntry={(entry) => { setOpen({ kind: 'entry', draft: entry }); }}
          onDay={(on) => { if (data.may_plan_all) setOpen({ kind: 'day', day: on }); }}
        />
        <p className="secondary roster-foot">
          {r.weeklyNote} {group.may_plan ? r.gridHelp : ''}
        </p>
      </div>
      <aside className="roster-side">
        {group.may_plan && <PeoplePanel staff={staff} data={data} group={group} shift={shift} onShift={setShift} />}
        {group.may_plan && span === 'week' && (
          <button type="button" className="button" disabled={act.isBusy} onClick={() => { void act.run(copy, ''); }} data-testid="copy-week">
            {r.copyWeek}
          </button>
        )}
        <GapList gaps={data.gaps_ahead.filter((gap) => gap.group === group.id)} zone={zone} groupName={groupName} onShow={(iso) => { setSpan('week'); setDay(dayOf(iso, zone)); }} />
        <SwapList data={data} onDone={reload} />
      </aside>
      {open?.kind === 'entry' && (
        <EntryDialog
          draft={open.draft}
          mayPlan={open.draft.kind === 'leave' ? data.may_plan_all || open.draft.user_id === me?.user_id || data.groups.some((one) => one.may_plan) : group.may_plan}
          me={me}
          staff={open.draft.kind === 'leave' ? people.data : staff}
          zone={zone}
          onClose={() => { setOpen(null); }}
          onDone={reload}
        />
      )}
      {open?.kind === 'day' && <DayDialog day={open.day} holidays={data.holidays} onClose={() => { setOpen(null); }} onDone={reload} />}
    </div>
  );
}

/** The group's members, or every reader where it names none. */
function staffOf(group: DutyGroupView, all: ReaderView[]): ReaderView[] {
  return group.member_ids.length === 0 ? all : all.filter((reader) => group.member_ids.includes(reader.user_id));
}

function newDraft(kind: 'duty' | 'leave', group: DutyGroupView, day: string, user: string, shift: Shift, zone: string): Draft {
  const stretch = kind === 'leave' ? shiftOn(day, 0, 1440, zone) : shiftOn(day, shift.from, shift.to, zone);
  return { id: '', kind, group: kind === 'leave' ? '' : group.id, user_id: user, note: '', revision: 0, ...stretch };
}

/** The same clock times on another day, also over a change to summer time. */
function movedTo(entry: RosterEntryView, day: string, zone: string) {
  const from = dayOf(entry.starts_at, zone);
  const part = partOn(from, entry, zone);
  const start = instantOf(day, part?.from ?? 0, zone);
  const length = Date.parse(entry.ends_at) - Date.parse(entry.starts_at);
  return {
    kind: entry.kind, group: entry.group, user_id: entry.user_id, note: entry.note, revision: entry.revision,
    starts_at: start, ends_at: new Date(Date.parse(start) + length).toISOString(),
  };
}
