/**
 * One reading: who it is, what was seen, and what is said about it. Pictures left, report right, identity above both.
 */
import { type CSSProperties, type ReactNode, useCallback, useEffect, useRef, useState } from 'react';

import { readings as api } from '../api/endpoints';
import type { LiveEvent, ReadingDetail } from '../api/types';
import { useLive } from '../app/live';
import { useResource, useSame } from '../app/resource';
import { useSession } from '../app/session';
import { MissingNote } from '../parts/missing_note';
import { Loading, Note, ProblemNote } from '../parts/notes';
import { GradeButton } from '../quality/grade_button';
import { RetakeNotes } from '../quality/retake_notes';
import { isOfQuality, useQuality } from '../quality/use_quality';
import { ReportPanel } from '../report';
import { isSigned } from '../report/report_text';
import { useWords } from '../words';
import { DeclineButton } from './decline_button';
import { IdentityBar } from './identity_bar';
import { OriginNote } from './origin_note';
import { StageLine } from './stage_line';
import { ViewerArea } from './viewer_area';
import './reading.css';

export default function ReadingPage({ readingId }: { readingId: string }) {
  const { session } = useSession();
  const detail = useResource((signal) => api.get(readingId, signal), readingId);
  const studyId = detail.data?.study.id;
  const isMine = detail.data?.row.claimed_by === session.user_id;
  // While I hold the lock nobody else writes: my own saves are no news, and every look is an audit entry.
  const concerns = (event: LiveEvent): boolean =>
    (event.reading_id === readingId || (studyId !== undefined && event.study_id === studyId)) && !(isMine && event.kind === 'report') && !isOfQuality(event);
  useLive(concerns, detail.reload);

  if (detail.data === null) {
    return detail.problem ? <ProblemNote problem={detail.problem} onRetry={detail.reload} /> : <Loading />;
  }
  return <Reading detail={detail.data} problem={detail.problem} onDetail={detail.replace} onReload={detail.reload} />;
}

interface ReadingProps {
  detail: ReadingDetail;
  problem: Parameters<typeof ProblemNote>[0]['problem'];
  onDetail: (detail: ReadingDetail) => void;
  onReload: () => void;
}

function Reading({ detail, problem, onDetail, onReload }: ReadingProps) {
  const w = useWords();
  const { session } = useSession();
  // What the viewer measured goes to where the caret last stood; the panel says how.
  const insert = useRef<((text: string) => void) | null>(null);
  const onMeasurement = useCallback((text: string) => { insert.current?.(text); }, []);
  const { row } = detail;
  const study = useSame(detail.study);
  const quality = useQuality(study.id);
  const mayGrade = session.grants.some((grant) => grant.role === 'reader' || grant.role === 'reviewer');
  const [beside, setBeside] = useState<{ studyId: string } | null>(null);
  const first = quality.data?.answers?.study_id;
  const isFirstHere = study.related.some((related) => related.study_id === first);
  // A retake is read beside what it replaces.
  useEffect(() => {
    if (first !== undefined && isFirstHere) setBeside({ studyId: first });
  }, [first, isFirstHere]);
  const wasSigned = detail.versions.some(isSigned);
  const holder = row.claimed_by !== null && row.claimed_by !== session.user_id ? (row.claimed_by_name ?? row.claimed_by) : null;
  useEffect(() => {
    const before = document.title;
    document.title = `${row.modality} ${row.body_part} · ${before}`;
    return () => { document.title = before; };
  }, [row.modality, row.body_part]);

  return (
    <div className="reading" data-testid="reading" data-state={row.state}>
      <a className="skip" href="#report">
        {w.reading.skipToReport}
      </a>
      <IdentityBar row={row} study={study}>
        {mayGrade && quality.data !== null && (
          <GradeButton study={study} known={quality.data} canSendBack={detail.allowed.includes('send_back')} onView={quality.replace}
            onRejected={() => {
              quality.reload();
              onReload();
            }}
          />
        )}
        <DeclineButton detail={detail} onDetail={onDetail} />
      </IdentityBar>
      <StageLine clocks={detail.clocks} current={row.clock?.stage} />
      {!wasSigned && <MissingNote missing={detail.missing} />}
      {problem && <ProblemNote problem={problem} onRetry={onReload} />}
      {row.late_instances > 0 && <Note tone="warning">{wasSigned ? w.reading.lateSigned(row.late_instances) : w.reading.late(row.late_instances)}</Note>}
      <OriginNote study={study} onSettled={onReload} />
      {holder !== null && <Note tone="plain">{w.reading.held(holder)}</Note>}
      {quality.data !== null && <RetakeNotes known={quality.data} onBeside={(studyId) => { setBeside({ studyId }); }} onChanged={quality.reload} />}
      <Split
        left={<ViewerArea study={study} beside={beside} onMeasurement={onMeasurement} />}
        right={<ReportPanel key={row.id} detail={detail} onDetail={onDetail} onReload={onReload} insert={insert} />}
      />
    </div>
  );
}

const NARROWEST_PX = 340;
const STEP_PX = 24;
const WIDTH_KEY = 'reading-gateway.report-width';

/** Two panes with a handle between them that also obeys the arrow keys; the width is kept for this screen. */
function Split({ left, right }: { left: ReactNode; right: ReactNode }) {
  const w = useWords();
  const [width_px, setWidth] = useState(() => Number(localStorage.getItem(WIDTH_KEY) ?? '') || 420);
  const widest_px = Math.max(NARROWEST_PX, Math.floor(window.innerWidth * 0.6));
  const shown_px = Math.min(Math.max(width_px, NARROWEST_PX), widest_px);
  const keep = (next_px: number): void => {
    const kept_px = Math.min(Math.max(next_px, NARROWEST_PX), widest_px);
    setWidth(kept_px);
    localStorage.setItem(WIDTH_KEY, String(kept_px));
  };
  return (
    <div className="split" style={{ '--report-width': `${String(shown_px)}px` } as CSSProperties}>
      <section className="viewer-pane" aria-label={w.reading.viewer}>
        <h2 className="visually-hidden">{w.reading.viewer}</h2>
        {left}
      </section>
      <div
        className="split-handle"
        role="separator"
        tabIndex={0}
        aria-orientation="vertical"
        aria-label={w.reading.splitter}
        aria-valuenow={shown_px}
        aria-valuemin={NARROWEST_PX}
        aria-valuemax={widest_px}
        onPointerDown={(event) => { event.currentTarget.setPointerCapture(event.pointerId); }}
        onPointerMove={(event) => {
          if (event.currentTarget.hasPointerCapture(event.pointerId)) keep(window.innerWidth - event.clientX);
        }}
        onKeyDown={(event) => {
          if (event.key === 'ArrowLeft') keep(shown_px + STEP_PX);
          if (event.key === 'ArrowRight') keep(shown_px - STEP_PX);
        }}
      />
      <div className="report-pane" id="report" tabIndex={-1}>
        {right}
      </div>
    </div>
  );
}
