/** A study whose clinic nobody knows yet: whoever reads it for the whole alliance may say whose it is, with a reason. */
import { type FormEvent, useState } from 'react';

import { studies as api } from '../api/endpoints';
import type { StudyView } from '../api/types';
import { useAction, useResource } from '../app/resource';
import { AppDialog } from '../parts/dialog';
import { AreaField, SelectField } from '../parts/field';
import { Loading, Note, ProblemNote } from '../parts/notes';
import { useWords } from '../words';

export function OriginNote({ study, onSettled }: { study: StudyView; onSettled: () => void }) {
  const w = useWords();
  const [isOpen, setOpen] = useState(false);
  if (study.origin === null || study.origin.state === 'settled') return null;
  return (
    <Note tone="warning">
      <span data-testid="origin-open">{w.reading.originNote}</span>{' '}
      <button type="button" className="button" onClick={() => { setOpen(true); }} data-testid="say-origin">
        {w.reading.originSay}
      </button>
      {isOpen && <OriginDialog studyId={study.id} onClose={() => { setOpen(false); }} onSettled={onSettled} />}
    </Note>
  );
}

function OriginDialog({ studyId, onClose, onSettled }: { studyId: string; onClose: () => void; onSettled: () => void }) {
  const w = useWords();
  const question = useResource((signal) => api.origin(studyId, signal), studyId);
  const [site, setSite] = useState('');
  const [reason, setReason] = useState('');
  const action = useAction(async () => {
    await api.settleOrigin(studyId, { site_id: site, reason });
    onClose();
    onSettled();
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void action.run();
  };
  return (
    <AppDialog title={w.reading.originTitle} onClose={onClose} testId="origin-dialog">
      {question.data === null && (question.problem ? <ProblemNote problem={question.problem} onRetry={question.reload} /> : <Loading />)}
      {question.data !== null && (
        <form className="origin-form" onSubmit={submit}>
          <ul>
            {question.data.waiting.evidence.map((one, index) => (
              <li key={`${one.kind}-${String(index)}`}>
                {w.reading.originBy[one.kind] ?? one.kind}: {one.seen} {one.site_name !== '' && <b>→ {one.site_name}</b>}
              </li>
            ))}
          </ul>
          <SelectField label={w.reading.origin} required value={site} onChange={(event) => { setSite(event.target.value); }} data-testid="origin-site">
            <option value="">–</option>
            {question.data.sites.map((one) => (
              <option key={one.id} value={one.id}>
                {one.name}
              </option>
            ))}
          </SelectField>
          <AreaField label={w.common.reasonNeeded} hint={w.reading.originReason} required rows={2} value={reason} onChange={(event) => { setReason(event.target.value); }} data-testid="origin-reason" />
          <ProblemNote problem={action.problem} />
          <footer>
            <button type="button" className="button" onClick={onClose}>
              {w.common.cancel}
            </button>
            <button type="submit" className="button primary" disabled={action.isBusy} data-testid="origin-confirm">
              {w.reading.originConfirm}
            </button>
          </footer>
        </form>
      )}
    </AppDialog>
  );
}
