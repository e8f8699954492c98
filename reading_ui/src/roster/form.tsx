/** A form in a dialog: one act at the end, another one (such as "remove") at the left, and what was refused beside them. */
import type { FormEvent, ReactNode } from 'react';

import { useAction } from '../app/resource';
import { AppDialog } from '../parts/dialog';
import { RosterProblem } from './problem';
import { useRosterWords } from './use_words';

interface RosterFormProps {
  title: string;
  confirm: string;
  /** Null: there is nothing to save, only to look at. */
  save: (() => Promise<unknown>) | null;
  onClose: () => void;
  onDone: () => void;
  aside?: { label: string; act: () => Promise<unknown> } | null;
  children: ReactNode;
}

export function RosterForm({ title, confirm, save, onClose, onDone, aside, children }: RosterFormProps) {
  const r = useRosterWords();
  const action = useAction(async (act: () => Promise<unknown>) => {
    await act();
    onDone();
    onClose();
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (save !== null) void action.run(save);
  };
  return (
    <AppDialog title={title} onClose={onClose} testId="roster-form">
      <form className="roster-form" onSubmit={submit}>
        {children}
        <RosterProblem problem={action.problem} />
        <footer>
          {aside != null && (
            <button type="button" className="button danger roster-aside" disabled={action.isBusy} onClick={() => { void action.run(aside.act); }} data-testid="form-aside">
              {aside.label}
            </button>
          )}
          <button type="button" className="button" onClick={onClose}>
            {save === null ? r.close : r.cancel}
          </button>
          {save !== null && (
            <button type="submit" className="button primary" disabled={action.isBusy} data-testid="form-save">
              {confirm}
            </button>
          )}
        </footer>
      </form>
    </AppDialog>
  );
}
