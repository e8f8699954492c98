/** Asks for a reason before something is handed back; without one nothing moves (D2). */
import { useState } from 'react';

import type { Action } from '../app/resource';
import { useWords } from '../words';
import { AppDialog } from './dialog';
import { AreaField } from './field';
import { ProblemNote } from './notes';

interface ReasonDialogProps {
  title: string;
  hint: string;
  confirm: string;
  action: Action<[string]>;
  onClose: () => void;
}

export function ReasonDialog({ title, hint, confirm, action, onClose }: ReasonDialogProps) {
  const w = useWords();
  const [reason, setReason] = useState('');
  const send = async (): Promise<void> => {
    if (await action.run(reason.trim())) onClose();
  };
  return (
    <AppDialog title={title} onClose={onClose} testId="reason-dialog">
      <AreaField
        label={w.common.reasonNeeded}
        hint={hint}
        rows={4}
        value={reason}
        autoFocus
        onChange={(event) => { setReason(event.target.value); }}
      />
      <ProblemNote problem={action.problem} />
      <footer>
        <button type="button" className="button" onClick={onClose}>
          {w.common.cancel}
        </button>
        <button type="button" className="button danger" disabled={reason.trim() === '' || action.isBusy} onClick={() => { void send(); }} data-testid="confirm-reason">
          {confirm}
        </button>
      </footer>
    </AppDialog>
  );
}
