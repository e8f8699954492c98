/** The report beside the images: offers what this person may do now, and nothing else. */
import { type ReactNode, type RefObject, useState } from 'react';

import { readings as api } from '../api/endpoints';
import type { ReadingDetail } from '../api/types';
import { useAnnounce } from '../app/announcer';
import { useAction } from '../app/resource';
import { useSession } from '../app/session';
import { hasUnsaved } from '../model/draft';
import { Note, ProblemNote } from '../parts/notes';
import { ReasonDialog } from '../parts/reason_dialog';
import { Editor, SaveMark } from './editor';
import { Deliveries, Versions } from './history';
import { ReportText } from './report_text';
import { SignDialog } from './sign_dialog';
import { useDraft } from './use_draft';
import { useReportWords } from './use_words';
import './report.css';

interface ReportPanelProps {
  detail: ReadingDetail;
  onDetail: (detail: ReadingDetail) => void;
  onReload: () => void;
  insert: RefObject<((text: string) => void) | null>;
}

export function ReportPanel({ detail, onDetail, onReload, insert }: ReportPanelProps) {
  const w = useReportWords();
  const { session } = useSession();
  const { row, study, report } = detail;
  // A reviewer reads first; changing the words of another is an act of its own.
  const [isEditing, setEditing] = useState(false);
  const mayEdit = row.state === 'in_review' && (detail.allowed.includes('sign') || detail.allowed.includes('return'));
  const isWriting = detail.allowed.includes('write') || (mayEdit && isEditing);
  const isOwnWaiting = row.state === 'awaiting_review' && row.writer_id === session.user_id;
  const history = (
    <>
      <Deliveries deliveries={detail.deliveries} />
      <Versions versions={detail.versions} kind={study.kind} modality={study.modality} />
    </>
  );
  return (
    <section className="report" aria-label={w.report.title} data-testid="report-panel">
      {isWriting ? (
        // A new lock is a new sitting: the editor begins from what the server has.
        <Writing key={`${row.id}-${String(row.claimed_by)}`} detail={detail} onDetail={onDetail} onReload={onReload} insert={insert} history={history} />
      ) : (
        <>
          <div className="report-scroll">
            <h2>{w.report.title}</h2>
            <Reasons detail={detail} />
            {isOwnWaiting && <Note tone="plain">{w.report.ownReport}</Note>}
            {report === null ? <p className="secondary">{w.report.none}</p> : <ReportText report={report} kind={study.kind} modality={study.modality} />}
            {history}
          </div>
          <div className="desk">
            <Acts detail={detail} onDetail={onDetail} onReload={onReload} {...(mayEdit ? { onEdit: () => { setEditing(true); } } : {})} />
          </div>
        </>
      )}
    </section>
  );
}

function Reasons({ detail }: { detail: ReadingDetail }) {
  const w = useReportWords();
  if (detail.reason === '') return null;
  const isReturned = detail.row.state === 'returned';
  return <Note tone="warning">{isReturned ? w.report.sentBackBecause(detail.reason) : w.report.returnedBecause(detail.reason)}</Note>;
}

function Writing({ detail, onDetail, onReload, insert, history }: ReportPanelProps & { history: ReactNode }) {
  const w = useReportWords();
  const handle = useDraft(detail.row.id, detail.report, onReload);
  const { draft } = handle;
  return (
    <>
      <div className="report-scroll">
      <h2>{w.report.title}</h2>
      <Reasons detail={detail} />
      {draft.state === 'conflict' && (
        <div className="note note-critical" role="alert" data-testid="draft-conflict">
          <div>
            <b>{w.report.conflictTitle}</b>
            <p>{w.report.conflictHint}</p>
            <p className="conflict-choice">
              <button type="button" className="button" onClick={() => { void handle.keepMine(); }}>
                {w.report.keepMine}
              </button>
              <button type="button" className="button" onClick={() => { void handle.takeTheirs(); }}>
                {w.report.takeTheirs}
              </button>
            </p>
          </div>
        </div>
      )}
      <Editor study={detail.study} handle={handle} insert={insert} />
      {history}
      </div>
      <div className="desk writing">
        <p className="save-row">
          <span className="badge report-draft">{w.report.draftMark}</span> <SaveMark handle={handle} />
          <span className="secondary">{w.report.keys}</span>
        </p>
        <Acts
          detail={detail}
          onDetail={onDetail}
          onReload={onReload}
          before={handle.flush}
          isBlocked={draft.state === 'conflict' || (draft.state === 'failed' && hasUnsaved(draft))}
        />
      </div>
    </>
  );
}

interface ActsProps {
  detail: ReadingDetail;
  onDetail: (detail: ReadingDetail) => void;
  onReload: () => void;
  /** What must be done first; an act waits for it and stays undone when it fails. */
  before?: () => Promise<boolean>;
  isBlocked?: boolean;
  onEdit?: () => void;
}

type Open = 'reject' | 'send_back' | 'sign' | 'sign_emergency' | null;

function Acts({ detail, onDetail, onReload, before = () => Promise.resolve(true), isBlocked = false, onEdit }: ActsProps) {
  const w = useReportWords();
  const announce = useAnnounce();
  const [open, setOpen] = useState<Open>(null);
  const { row, allowed } = detail;
  const may = (act: string): boolean => allowed.includes(act);

  const move = useAction(async (act: 'claim' | 'release' | 'submit') => {
    if (!(await before())) return;
    if (act === 'submit') {
      await api.submit(row.id);
      announce(w.report.submitted);
      onReload();
    } else {
      onDetail(await (act === 'claim' ? api.claim(row.id) : api.release(row.id)));
    }
  });
  const sendBack = useAction(async (reason: string) => {
    if (await before()) onDetail(await api.sendBack(row.id, { reason }));
  });
  const reject = useAction(async (reason: string) => {
    await api.reject(row.id, { reason });
    onReload();
  });
  const startSigning = async (which: 'sign' | 'sign_emergency'): Promise<void> => {
    if (await before()) setOpen(which);
  };
  const signed = (): void => {
    setOpen(null);
    announce(w.report.signed);
    onReload();
  };
  const isBusy = move.isBusy || isBlocked;

  return (
    <div className="acts" data-testid="acts">
      <ProblemNote problem={move.problem} onRetry={onReload} />
      {may('claim') && (
        <Act word={w.report.claim} hint={w.report.claimHint} tone="primary" isDisabled={isBusy} testId="claim" onDo={() => { void move.run('claim'); }} />
      )}
      {may('review') && (
        <Act word={w.report.review} hint={w.report.reviewHint} tone="primary" isDisabled={isBusy} testId="review" onDo={() => { void move.run('claim'); }} />
      )}
      {may('sign') && <Act word={w.report.sign} tone="primary" isDisabled={isBusy} testId="sign" onDo={() => { void startSigning('sign'); }} />}
      {may('submit') && <Act word={w.report.submit} tone="primary" isDisabled={isBusy} testId="submit" onDo={() => { void move.run('submit'); }} />}
      {may('sign_emergency') && (
        <Act word={w.report.emergency} hint={w.report.emergencyHint} tone="danger" isDisabled={isBusy} testId="sign-emergency" onDo={() => { void startSigning('sign_emergency'); }} />
      )}
      <div className="acts-quiet">
        {onEdit && <Act word={w.report.edit} isDisabled={isBusy} testId="edit" onDo={onEdit} />}
        {may('return') && <Act word={w.report.returnToWriter} isDisabled={isBusy} testId="reject" onDo={() => { setOpen('reject'); }} />}
        {may('send_back') && <Act word={w.report.sendBack} isDisabled={isBusy} testId="send-back" onDo={() => { setOpen('send_back'); }} />}
        {may('release') && <Act word={w.report.release} isDisabled={move.isBusy} testId="release" onDo={() => { void move.run('release'); }} />}
      </div>
      {open === 'reject' && (
        <ReasonDialog title={w.report.returnTitle} hint={w.report.returnHint} confirm={w.report.returnToWriter} action={reject} onClose={() => { setOpen(null); }} />
      )}
      {open === 'send_back' && (
        <ReasonDialog title={w.report.sendBackTitle} hint={w.report.sendBackHint} confirm={w.report.sendBack} action={sendBack} onClose={() => { setOpen(null); }} />
      )}
      {(open === 'sign' || open === 'sign_emergency') && (
        <SignDialog row={row} isEmergency={open === 'sign_emergency'} onClose={() => { setOpen(null); }} onSigned={signed} />
      )}
    </div>
  );
}

interface ActProps {
  word: string;
  hint?: string;
  tone?: 'primary' | 'danger';
  isDisabled: boolean;
  testId: string;
  onDo: () => void;
}

function Act({ word, hint, tone, isDisabled, testId, onDo }: ActProps) {
  return (
    <div className="act">
      <button type="button" className={`button ${tone ?? ''}`} disabled={isDisabled} onClick={onDo} title={hint} data-testid={testId}>
        {word}
      </button>
      {hint !== undefined && <p className="secondary">{hint}</p>}
    </div>
  );
}
