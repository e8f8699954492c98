/** The two answers that need a word more: at a time, and cannot, because… */
import { useState } from 'react';

import { quality as api } from '../api/quality';
import { useAction } from '../app/resource';
import { AppDialog } from '../parts/dialog';
import { AreaField, TextField } from '../parts/field';
import { ProblemNote } from '../parts/notes';
import { useWords } from '../words';
import { useRoomWords } from '../words/language';
import * as words from './words';

interface AnswerProps {
  retakeId: string;
  onDone: () => void;
  onClose: () => void;
}

export function LaterDialog({ retakeId, onDone, onClose }: AnswerProps) {
  const w = useRoomWords(words);
  const { common } = useWords();
  const [when, setWhen] = useState(localMinute(new Date(Date.now() + 3_600_000)));
  const send = useAction(async () => { await api.schedule(retakeId, { on: new Date(when).toISOString() }); });
  return (
    <AppDialog title={w.laterTitle} onClose={onClose} testId="later-dialog">
      <TextField label={w.laterWhen} type="datetime-local" value={when} min={localMinute(new Date())} onChange={(event) => { setWhen(event.target.value); }} autoFocus />
      <ProblemNote problem={send.problem} />
      <footer>
        <button type="button" className="button" onClick={onClose}>{common.cancel}</button>
        <button type="button" className="button primary" disabled={Number.isNaN(Date.parse(when)) || send.isBusy} onClick={() => { void send.run().then((isDone) => { if (isDone) onDone(); }); }} data-testid="confirm-later">
          {w.laterConfirm}
        </button>
      </footer>
    </AppDialog>
  );
}

export function CannotDialog({ retakeId, onDone, onClose }: AnswerProps) {
  const w = useRoomWords(words);
  const { common } = useWords();
  const [why, setWhy] = useState('');
  const send = useAction(async () => { await api.decline(retakeId, { reason: why.trim() }); });
  return (
    <AppDialog title={w.cannotTitle} onClose={onClose} testId="cannot-dialog">
      <div className="cannot-choices">
        {w.cannotReasons.map((reason) => (
          <button key={reason} type="button" className="button" aria-pressed={why === reason} onClick={() => { setWhy(reason); }}>{reason}</button>
        ))}
      </div>
      <AreaField label={common.reasonNeeded} hint={w.cannotHint} rows={2} maxLength={500} value={why} onChange={(event) => { setWhy(event.target.value); }} data-testid="cannot-why" />
      <ProblemNote problem={send.problem} />
      <footer>
        <button type="button" className="button" onClick={onClose}>{common.cancel}</button>
        <button type="button" className="button danger" disabled={why.trim() === '' || send.isBusy} onClick={() => { void send.run().then((isDone) => { if (isDone) onDone(); }); }} data-testid="confirm-cannot">
          {w.cannotConfirm}
        </button>
      </footer>
    </AppDialog>
  );
}

/** As `datetime-local` wants it: the clinic's own clock, to the minute. */
function localMinute(at: Date): string {
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
