/** One stretch of duty or leave: who, from when, until when; or ask a colleague to take one's own. */
import { useState } from 'react';

import { roster as api } from '../api/roster';
import type { ReaderView, RosterEntryView } from '../api/types';
import { useAction } from '../app/resource';
import { SelectField, TextField } from '../parts/field';
import { addDays, clockOf, dayOf, instantOf, minuteOf, minutesOf } from './calendar';
import { RosterForm } from './form';
import { RosterProblem } from './problem';
import { useRosterWords } from './use_words';

/** An entry, or what will be one: then its id is empty. */
export type Draft = Omit<RosterEntryView, 'user_name'>;

interface EntryDialogProps {
  draft: Draft;
  mayPlan: boolean;
  me: ReaderView | null;
  staff: ReaderView[];
  zone: string;
  onClose: () => void;
  onDone: () => void;
}

export function EntryDialog({ draft, mayPlan, me, staff, zone, onClose, onDone }: EntryDialogProps) {
  const r = useRosterWords();
  const isLeave = draft.kind === 'leave';
  const [form, setForm] = useState(() => fieldsOf(draft, zone));
  const set = (change: Partial<typeof form>): void => { setForm({ ...form, ...change }); };
  const stretch = () => {
    if (isLeave) return { starts_at: instantOf(form.day, 0, zone), ends_at: instantOf(addDays(form.lastDay, 1), 0, zone) };
    return { starts_at: instantOf(form.day, minutesOf(form.from) ?? 0, zone), ends_at: instantOf(form.lastDay, minutesOf(form.to) ?? 0, zone) };
  };
  const save = () => {
    const body = { kind: draft.kind, group: draft.group, user_id: form.user, note: form.note, revision: draft.revision, ...stretch() };
    return draft.id === '' ? api.add(body) : api.change(draft.id, body);
  };
  const isMine = me !== null && draft.user_id === me.user_id && !isLeave && draft.id !== '';
  const people = staff.some((one) => one.user_id === form.user) || form.user === '' ? staff : [...staff, ...(me !== null && me.user_id === form.user ? [me] : [])];
  return (
    <RosterForm
      title={isLeave ? r.leaveTitle : r.entry}
      confirm={r.save}
      save={mayPlan ? save : null}
      aside={mayPlan && draft.id !== '' ? { label: r.remove, act: () => api.drop(draft.id) } : null}
      onClose={onClose}
      onDone={onDone}
    >
      <SelectField label={r.person} required value={form.user} disabled={!mayPlan} onChange={(event) => { set({ user: event.target.value }); }} data-testid="entry-person">
        <option value="" />
        {people.map((one) => (
          <option key={one.user_id} value={one.user_id}>
            {one.name} ({one.login})
          </option>
        ))}
      </SelectField>
      <div className="roster-times">
        <TextField label={isLeave ? r.day : r.from} type="date" required disabled={!mayPlan} value={form.day} onChange={(event) => { set({ day: event.target.value, lastDay: event.target.value > form.lastDay ? event.target.value : form.lastDay }); }} />
        {!isLeave && <TextField label={r.from} type="time" required disabled={!mayPlan} value={form.from} onChange={(event) => { set({ from: event.target.value }); }} data-testid="entry-from" />}
        <TextField label={isLeave ? r.lastDay : r.to} type="date" required disabled={!mayPlan} min={form.day} value={form.lastDay} onChange={(event) => { set({ lastDay: event.target.value }); }} />
        {!isLeave && <TextField label={r.to} type="time" required disabled={!mayPlan} value={form.to} onChange={(event) => { set({ to: event.target.value }); }} data-testid="entry-to" />}
      </div>
      <TextField label={r.note} maxLength={200} disabled={!mayPlan} value={form.note} onChange={(event) => { set({ note: event.target.value }); }} />
      {isMine && <AskSwap entry={draft.id} others={staff.filter((one) => one.user_id !== draft.user_id)} onDone={() => { onDone(); onClose(); }} />}
    </RosterForm>
  );
}

function AskSwap({ entry, others, onDone }: { entry: string; others: ReaderView[]; onDone: () => void }) {
  const r = useRosterWords();
  const [to, setTo] = useState('');
  const [note, setNote] = useState('');
  const action = useAction(async () => {
    await api.askSwap({ entry_id: entry, to_user_id: to, note });
    onDone();
  });
  return (
    <fieldset className="roster-swap">
      <legend>{r.askSwap}</legend>
      <SelectField label={r.swapTo} value={to} onChange={(event) => { setTo(event.target.value); }} data-testid="swap-to">
        <option value="" />
        {others.map((one) => (
          <option key={one.user_id} value={one.user_id}>
            {one.name}
          </option>
        ))}
      </SelectField>
      <TextField label={r.swapNote} maxLength={200} value={note} onChange={(event) => { setNote(event.target.value); }} />
      <RosterProblem problem={action.problem} />
      <button type="button" className="button" disabled={to === '' || action.isBusy} onClick={() => { void action.run(); }} data-testid="swap-send">
        {r.swapSend}
      </button>
    </fieldset>
  );
}

function fieldsOf(draft: Draft, zone: string) {
  const isLeave = draft.kind === 'leave';
  const endDay = dayOf(draft.ends_at, zone);
  const endMinute = minuteOf(draft.ends_at, zone);
  return {
    user: draft.user_id, note: draft.note, day: dayOf(draft.starts_at, zone), from: clockOf(minuteOf(draft.starts_at, zone)),
    lastDay: isLeave && endMinute === 0 ? addDays(endDay, -1) : endDay, to: clockOf(endMinute),
  };
}
