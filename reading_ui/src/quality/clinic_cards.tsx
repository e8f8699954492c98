/** What a reader asks the clinic to take again: whose, what is wrong, and three answers. Made for a phone in one hand. */
import { useEffect, useRef, useState } from 'react';

import { quality as api } from '../api/quality';
import type { GradeView, RetakeView } from '../api/types';
import { useAnnounce } from '../app/announcer';
import { useLive } from '../app/live';
import { useAction, useResource } from '../app/resource';
import { AppDialog } from '../parts/dialog';
import { Icon } from '../parts/icons';
import { PatientName } from '../parts/marks';
import { ProblemNote } from '../parts/notes';
import { examOf, useFormat, useWords } from '../words';
import { useLanguage, useRoomWords } from '../words/language';
import { CannotDialog, LaterDialog } from './clinic_answers';
import * as words from './words';
import './clinic_cards.css';

export function RetakeCards() {
  const w = useRoomWords(words);
  const announce = useAnnounce();
  const list = useResource((signal) => api.retakes(false, signal), 'retakes');
  useLive((event) => event.kind === 'retake', list.reload);
  const known = useRef<Set<string> | null>(null);
  useEffect(() => {
    if (list.data === null) return;
    const before = known.current;
    known.current = new Set(list.data.items.map((item) => item.id));
    if (before === null) return;
    for (const item of list.data.items) if (!before.has(item.id)) announce(w.announceAsked(item.patient.name.display));
  }, [list.data, announce, w]);
  const items = list.data?.items ?? [];
  return (
    <>
      <ProblemNote problem={list.problem} onRetry={list.reload} />
      {items.length > 0 && (
        <ul className="retakes" data-testid="retakes">
          {items.map((item) => (
            <Card key={item.id} retake={item} onChanged={list.reload} />
          ))}
        </ul>
      )}
    </>
  );
}

function Card({ retake, onChanged }: { retake: RetakeView; onChanged: () => void }) {
  const w = useRoomWords(words);
  const common = useWords();
  const format = useFormat();
  const isEcg = retake.modality === 'ECG';
  return (
    <li className={`retake-card state-is-${retake.state}`} data-testid="retake-card" data-state={retake.state}>
      <header>
        <p className="retake-word"><Icon name="warning" /> {isEcg ? w.pleaseRepeat : w.pleaseRetake}</p>
        <h2><PatientName name={retake.patient.name} /></h2>
        <span>{format.sex(retake.sex)} · {format.age(retake.age_years)}</span>
        <span className="secondary">{retake.patient.patient_id}</span>
        <span><Icon name={isEcg ? 'ecg' : 'image'} /> <b>{retake.modality}</b> {examOf(retake, common)}</span>
      </header>
      <Wrong retake={retake} />
      <div className="retake-do">
        <p className="secondary">{w.reader(retake.asked_by_name, format.when(retake.asked_at))}</p>
        {retake.accession_number !== '' && (
          <p title={w.onWorklistHint}>
            <span className="secondary">{w.onWorklist}</span> <b className="retake-number" data-testid="retake-accession">{retake.accession_number}</b>
          </p>
        )}
        <p className="secondary">{retake.is_sent_back ? w.waitingReading : w.goingOn}</p>
        <Answers retake={retake} onChanged={onChanged} />
      </div>
    </li>
  );
}

/** The marked pictures, and every reason with what to do about it. */
function Wrong({ retake }: { retake: RetakeView }) {
  const w = useRoomWords(words);
  const language = useLanguage();
  const [large, setLarge] = useState<GradeView | null>(null);
  const notes = retake.rejections.map((grade) => grade.note).filter((note) => note !== '');
  return (
    <div className="retake-wrong">
      {retake.rejections.filter((grade) => grade.has_picture).map((grade) => (
        <button key={grade.id} type="button" className="retake-picture" onClick={() => { setLarge(grade); }} aria-label={`${w.enlarge}: ${w.marked}`} data-testid="retake-picture">
          <img src={api.pictureUrl(grade.id)} alt={w.marked} />
        </button>
      ))}
      <ul className="retake-reasons">
        {retake.reasons.filter((reason) => reason.code !== 'other').map((reason) => (
          <li key={reason.code}>
            <b>{language === 'zh' ? reason.zh : reason.en}</b>
            <span>{language === 'zh' ? reason.advice_zh : reason.advice_en}</span>
          </li>
        ))}
        {notes.map((note) => <li key={note}><span><span className="secondary">{w.readerSays}</span>{note}</span></li>)}
      </ul>
      {large !== null && (
        <AppDialog title={w.marked} size="large" onClose={() => { setLarge(null); }}>
          <img className="retake-large" src={api.pictureUrl(large.id)} alt={w.marked} />
        </AppDialog>
      )}
    </div>
  );
}

function Answers({ retake, onChanged }: { retake: RetakeView; onChanged: () => void }) {
  const w = useRoomWords(words);
  const format = useFormat();
  const [open, setOpen] = useState<'later' | 'cannot' | null>(null);
  const answer = useAction(async (act: 'seen' | 'now') => {
    await (act === 'seen' ? api.seen(retake.id) : api.schedule(retake.id, {}));
    onChanged();
  });
  const close = (): void => {
    setOpen(null);
    onChanged();
  };
  const isPlanned = retake.state === 'scheduled';
  return (
    <>
      {isPlanned && <p className="retake-planned" data-testid="retake-planned">{isLater(retake) ? w.plannedFor(format.when(retake.scheduled_at)) : w.repeating}</p>}
      {!isPlanned && retake.seen_at !== null && <p className="secondary">{w.seenBy(retake.seen_by_name, format.when(retake.seen_at))}</p>}
      <div className="retake-answers">
        {!isPlanned && <button type="button" className="button primary" disabled={answer.isBusy} onClick={() => { void answer.run('now'); }} data-testid="retake-now">{w.repeatNow}</button>}
        <button type="button" className="button" onClick={() => { setOpen('later'); }} data-testid="retake-later">{w.repeatLater}</button>
        {retake.state === 'asked' && <button type="button" className="button" disabled={answer.isBusy} onClick={() => { void answer.run('seen'); }} data-testid="retake-seen">{w.seen}</button>}
        <button type="button" className="button bare" onClick={() => { setOpen('cannot'); }} data-testid="retake-cannot">{w.cannot}</button>
      </div>
      <ProblemNote problem={answer.problem} />
      {open === 'later' && <LaterDialog retakeId={retake.id} onDone={close} onClose={() => { setOpen(null); }} />}
      {open === 'cannot' && <CannotDialog retakeId={retake.id} onDone={close} onClose={() => { setOpen(null); }} />}
    </>
  );
}

/** True for a time that somebody chose; "now" is the moment of saying so. */
function isLater(retake: RetakeView): boolean {
  const [planned, said] = [Date.parse(retake.scheduled_at ?? ''), Date.now()];
  return planned > said;
}
