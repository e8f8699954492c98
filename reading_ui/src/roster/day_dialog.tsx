/** A day of the calendar: off, worked, or as the calendar that ships has it. */
import { useState } from 'react';

import { roster as api } from '../api/roster';
import type { HolidayView } from '../api/types';
import { SelectField, TextField } from '../parts/field';
import { RosterForm } from './form';
import { useRosterWords } from './use_words';

interface DayDialogProps {
  day: string;
  holidays: HolidayView[];
  onClose: () => void;
  onDone: () => void;
}

export function DayDialog({ day, holidays, onClose, onDone }: DayDialogProps) {
  const r = useRosterWords();
  const known = holidays.find((one) => one.day === day);
  const [kind, setKind] = useState(known?.kind ?? 'holiday');
  const [name, setName] = useState(known?.is_own === true ? known.name : '');
  return (
    <RosterForm
      title={r.dayTitle(day)}
      confirm={r.save}
      save={() => api.putHoliday(day, { kind, name, name_en: '' })}
      aside={known?.is_own === true ? { label: r.dropDay, act: () => api.dropHoliday(day) } : null}
      onClose={onClose}
      onDone={onDone}
    >
      <SelectField label={r.state} value={kind} onChange={(event) => { setKind(event.target.value); }} data-testid="day-kind">
        <option value="holiday">{r.setHoliday}</option>
        <option value="workday">{r.setWorkday}</option>
      </SelectField>
      <TextField label={r.dayName} required maxLength={60} value={name} onChange={(event) => { setName(event.target.value); }} data-testid="day-name" />
    </RosterForm>
  );
}
