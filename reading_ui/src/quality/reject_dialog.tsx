/** Reject the picture on screen: draw what is wrong, say why, and what happens next. */
import { useState } from 'react';

import { quality as api } from '../api/quality';
import type { QualityView, StudyView } from '../api/types';
import { useAction } from '../app/resource';
import { AppDialog } from '../parts/dialog';
import { AreaField, CheckField } from '../parts/field';
import { ProblemNote } from '../parts/notes';
import { useRoomWords } from '../words/language';
import { useWords } from '../words';
import { Marking, withMarks } from './marking';
import type { Mark } from './marks';
import { addressOf, type Taken } from './picture';
import { Reasons } from './reasons';
import { subjectOf } from './subject';
import * as words from './words';

export interface RejectDialogProps {
  study: StudyView;
  known: QualityView;
  taken: Taken | null;
  canSendBack: boolean;
  onDone: () => void;
  onClose: () => void;
}

export function RejectDialog({ study, known, taken, canSendBack, onDone, onClose }: RejectDialogProps) {
  const w = useRoomWords(words);
  const common = useWords().common;
  const [marks, setMarks] = useState<readonly Mark[]>([]);
  const [reasons, setReasons] = useState<string[]>([]);
  const [note, setNote] = useState('');
  const [isSentBack, setSentBack] = useState(false);
  const [asksRetake, setAsksRetake] = useState(true);
  const subject = subjectOf(study, taken);
  const send = useAction(async () => {
    const before = known.grades.find((grade) => grade.is_current && grade.target_id === subject.target_id && grade.frame === subject.frame);
    await api.reject(study.id, {
      ...subject, revision: before?.revision ?? 0, reasons, note: note.trim(), is_sent_back: isSentBack, asks_retake: asksRetake,
      marks: marks.map((mark) => ({ ...mark, points: mark.points.map((point) => [...point]) })),
      picture: taken === null ? '' : addressOf(withMarks(taken.canvas, marks)),
    });
  });
  const confirm = async (): Promise<void> => {
    if (await send.run()) onDone();
  };
  const isSaid = reasons.length > 0 && (!reasons.includes('other') || note.trim() !== '');
  return (
    <AppDialog title={w.rejectTitle} onClose={onClose} size="large" testId="reject-dialog">
      <div className="reject">
        {taken === null ? <p className="secondary">{w.noPicture}</p> : <Marking picture={taken.canvas} marks={marks} onMarks={setMarks} />}
        <div className="reject-words">
          <Reasons label={w.reasons} choices={known.reason_choices} chosen={reasons} onChosen={setReasons} />
          <AreaField label={w.note} hint={w.noteHint} rows={2} maxLength={500} value={note} onChange={(event) => { setNote(event.target.value); }} data-testid="reject-note" />
          <fieldset className="reject-what">
            <legend>{w.what}</legend>
            <label className="check-field">
              <input type="radio" name="what" checked={!isSentBack} onChange={() => { setSentBack(false); }} /> {w.goOn}
            </label>
            <label className="check-field">
              <input type="radio" name="what" checked={isSentBack} disabled={!canSendBack} onChange={() => { setSentBack(true); }} data-testid="reject-send-back" /> {w.sendBack}
              {!canSendBack && <span className="secondary">{w.sendBackNot}</span>}
            </label>
            <CheckField label={w.askRetake} checked={asksRetake} onChange={(event) => { setAsksRetake(event.target.checked); }} data-testid="reject-ask" />
          </fieldset>
          <ProblemNote problem={send.problem} />
          <footer>
            <button type="button" className="button" onClick={onClose}>{common.cancel}</button>
            <button type="button" className="button danger" disabled={!isSaid || send.isBusy} onClick={() => { void confirm(); }} data-testid="confirm-reject">
              {asksRetake ? w.confirmAsk : w.confirm}
            </button>
          </footer>
        </div>
      </div>
    </AppDialog>
  );
}
