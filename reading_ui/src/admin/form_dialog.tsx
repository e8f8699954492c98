/** A form in a dialog: one act at the end, and what the gateway refuses stands beside it. */
import type { FormEvent, ReactNode } from 'react';

import { useAction } from '../app/resource';
import { AppDialog } from '../parts/dialog';
import { ProblemNote } from '../parts/notes';
import { useWords } from '../words';

interface FormDialogProps {
  title: string;
  confirm: string;
  save: () => Promise<unknown>;
  onClose: () => void;
  onSaved: () => void;
  children: ReactNode;
}

export function FormDialog({ title, confirm, save, onClose, onSaved, children }: FormDialogProps) {
  const w = useWords();
  const action = useAction(async () => {
    await save();
    onSaved();
    onClose();
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void action.run();
  };
  return (
    <AppDialog title={title} onClose={onClose} testId="form-dialog">
      <form className="admin-form" onSubmit={submit}>
        {children}
        <ProblemNote problem={action.problem} />
        <footer>
          <button type="button" className="button" onClick={onClose}>
            {w.common.cancel}
          </button>
          <button type="submit" className="button primary" disabled={action.isBusy} data-testid="form-save">
            {confirm}
          </button>
        </footer>
      </form>
    </AppDialog>
  );
}
