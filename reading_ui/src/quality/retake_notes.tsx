/** What became of a request for a retake, said above the pictures; and that these pictures are one. */
import { useState } from 'react';

import { quality as api } from '../api/quality';
import type { QualityView, RetakeView } from '../api/types';
import { useAction } from '../app/resource';
import { AppDialog } from '../parts/dialog';
import { Note, ProblemNote } from '../parts/notes';
import { ReasonDialog } from '../parts/reason_dialog';
import { useFormat } from '../words';
import { useRoomWords } from '../words/language';
import { useReasonText } from './reasons';
import * as words from './words';

interface RetakeNotesProps {
  known: QualityView;
  onBeside: (studyId: string) => void;
  onChanged: () => void;
}

const OPEN = new Set(['asked', 'seen', 'scheduled']);

export function RetakeNotes({ known, onBeside, onChanged }: RetakeNotesProps) {
  const w = useRoomWords(words);
  const text = useReasonText();
  const newest = known.retakes[0];
  const rejected = known.grades.find((grade) => grade.is_current && grade.grade === 'rejected');
  const ask = useAction(async (grade: string) => {
    await api.ask(grade);
    onChanged();
  });
  return (
    <>
      {newest !== undefined && <Asked retake={newest} onBeside={onBeside} onChanged={onChanged} />}
      {newest === undefined && rejected !== undefined && (
        <Note tone="warning">
          <span className="retake-line">
            {w.rejected(text(rejected.reasons, known.reason_choices, rejected.note))}
            <button type="button" className="button" disabled={ask.isBusy} onClick={() => { void ask.run(rejected.id); }}>{w.askNow}</button>
          </span>
          <ProblemNote problem={ask.problem} />
        </Note>
      )}
      {known.answers !== null && <Answer retake={known.answers} onBeside={onBeside} />}
    </>
  );
}

function Asked({ retake, onBeside, onChanged }: { retake: RetakeView; onBeside: (studyId: string) => void; onChanged: () => void }) {
  const w = useRoomWords(words);
  const [isWithdrawing, setWithdrawing] = useState(false);
  const withdraw = useAction(async (reason: string) => {
    await api.withdraw(retake.id, { reason });
    onChanged();
  });
  const tone = retake.state === 'retaken' ? 'ok' : retake.state === 'withdrawn' ? 'plain' : 'warning';
  return (
    <Note tone={tone}>
      <span className="retake-line" data-testid="retake-note" data-state={retake.state}>
        <span>{useSentence(retake)}</span>
        <Picture retake={retake} />
        {retake.new_study_id !== null && (
          <button type="button" className="button" onClick={() => { onBeside(retake.new_study_id ?? ''); }} data-testid="beside-new">{w.besides}</button>
        )}
        {OPEN.has(retake.state) && <button type="button" className="button bare" onClick={() => { setWithdrawing(true); }}>{w.withdraw}</button>}
      </span>
      {isWithdrawing && <ReasonDialog title={w.withdraw} hint={w.withdrawHint} confirm={w.withdraw} action={withdraw} onClose={() => { setWithdrawing(false); }} />}
    </Note>
  );
}

function Answer({ retake, onBeside }: { retake: RetakeView; onBeside: (studyId: string) => void }) {
  const w = useRoomWords(words);
  const text = useReasonText();
  const codes = [...new Set(retake.rejections.flatMap((grade) => grade.reasons))];
  return (
    <Note tone="plain">
      <span className="retake-line" data-testid="retake-answer">
        <span>{w.answers(text(codes, retake.reasons, retake.rejections[0]?.note))}</span>
        <Picture retake={retake} />
        <button type="button" className="button" onClick={() => { onBeside(retake.study_id); }} data-testid="beside-old">{w.besidesOld}</button>
      </span>
    </Note>
  );
}

function useSentence(retake: RetakeView): string {
  const w = useRoomWords(words);
  const format = useFormat();
  const text = useReasonText();
  if (retake.state === 'declined') return w.declinedBecause(retake.reason);
  if (retake.state === 'withdrawn') return w.withdrawnBecause(retake.reason);
  const codes = [...new Set(retake.rejections.flatMap((grade) => grade.reasons))];
  const state = retake.state === 'retaken' ? w.retakenAt(format.when(retake.settled_at))
    : retake.state === 'scheduled' ? w.scheduledFor(format.when(retake.scheduled_at))
    : (w.state[retake.state] ?? retake.state);
  return `${w.asked(text(codes, retake.reasons, retake.rejections[0]?.note))} · ${state}`;
}

/** The marked picture of the newest rejection that has one. */
function Picture({ retake }: { retake: RetakeView }) {
  const w = useRoomWords(words);
  const [isOpen, setOpen] = useState(false);
  const grade = retake.rejections.find((one) => one.has_picture);
  if (grade === undefined) return null;
  return (
    <>
      <button type="button" className="button bare" onClick={() => { setOpen(true); }}>{w.showPicture}</button>
      {isOpen && (
        <AppDialog title={w.marked} size="large" onClose={() => { setOpen(false); }}>
          <img src={api.pictureUrl(grade.id)} alt={w.marked} style={{ width: '100%' }} />
        </AppDialog>
      )}
    </>
  );
}
