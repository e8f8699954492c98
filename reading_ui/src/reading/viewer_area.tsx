/**
 * Film and ECG of one patient, side by side or one after the other. The study that the report is about is marked;
 * looking at another one is said in colour and words.
 */
import { lazy, Suspense, useEffect, useState } from 'react';

import { studies as api } from '../api/endpoints';
import type { RelatedStudy, StudyView } from '../api/types';
import { useResource } from '../app/resource';
import { Link } from '../app/router';
import { FaultBoundary } from '../app/fault_boundary';
import { Icon } from '../parts/icons';
import { StateMark } from '../parts/marks';
import { Empty, Loading, ProblemNote } from '../parts/notes';
import { examOf, type Words, useFormat, useWords } from '../words';
import type { Format } from '../words/format';

const ImageViewer = lazy(() => import('../image_viewer'));
const ENCAPSULATED_PDF = '1.2.840.10008.5.1.4.1.1.104.1';

const EcgViewer = lazy(() => import('../ecg_viewer'));

interface ViewerAreaProps {
  study: StudyView;
  /** Another study of the patient that was asked for beside this one; a new object asks again. */
  beside?: { studyId: string } | null;
  onMeasurement: (text: string) => void;
}

export function ViewerArea({ study, beside = null, onMeasurement }: ViewerAreaProps) {
  const w = useWords();
  const format = useFormat();
  const [chosen, setChosen] = useState(study.id);
  const [isSplit, setSplit] = useState(false);
  useEffect(() => {
    if (beside === null) return;
    setChosen(beside.studyId);
    setSplit(true);
  }, [beside]);
  const other = study.related.find((related) => related.study_id === chosen) ?? null;
  const isOtherShown = other !== null;
  return (
    <>
      {study.related.length > 0 && (
        <div className="study-strip" role="group" aria-label={w.reading.studies} data-testid="study-strip">
          <StudyTab kind={study.kind} title={titleOf(study, w)} when={format.when(study.study_at)} isShown={!isOtherShown || isSplit} mark={w.reading.thisStudy}
            onChoose={() => { setChosen(study.id); }} />
          {study.related.map((related) => (
            <StudyTab key={related.study_id} kind={related.kind} title={titleOf(related, w)} when={format.when(related.study_at)}
              isShown={related.study_id === chosen} state={related.state} onChoose={() => { setChosen(related.study_id); }} />
          ))}
          <button type="button" className="button bare" aria-pressed={isSplit} data-testid="side-by-side"
            onClick={() => {
              setSplit(!isSplit);
              if (!isSplit && !isOtherShown) setChosen(study.related[0]?.study_id ?? study.id);
            }}>
            {w.reading.sideBySide}
          </button>
        </div>
      )}
      <div className={`viewers ${isSplit && isOtherShown ? 'two' : 'one'}`}>
        {(!isOtherShown || isSplit) && <Viewer key={study.id} study={study} onMeasurement={onMeasurement} />}
        {other !== null && <OtherStudy key={other.study_id} related={other} format={format} />}
      </div>
    </>
  );
}

interface StudyTabProps {
  kind: string;
  title: string;
  when: string;
  isShown: boolean;
  onChoose: () => void;
  mark?: string;
  state?: string | null;
}

function StudyTab({ kind, title, when, isShown, onChoose, mark, state }: StudyTabProps) {
  return (
    <button type="button" className="study-tab" aria-pressed={isShown} onClick={onChoose} data-testid={`study-tab-${kind}`}>
      <Icon name={kind === 'ecg' ? 'ecg' : 'image'} />
      <span>
        <b>{title}</b> <span className="secondary">{when}</span>
      </span>
      {mark !== undefined && <span className="badge">{mark}</span>}
      {state != null && <StateMark state={state} />}
    </button>
  );
}

function OtherStudy({ related, format }: { related: RelatedStudy; format: Format }) {
  const w = useWords();
  const study = useResource((signal) => api.get(related.study_id, signal), related.study_id);
  return (
    <div className="other-study">
      <div className="band band-warning other-band" data-testid="other-study-band">
        <Icon name="warning" />
        <span>{w.reading.otherBand(`${titleOf(related, w)} ${format.when(related.study_at)}`)}</span>
        {related.reading_id !== null && (
          <Link href={`/readings/${encodeURIComponent(related.reading_id)}`} data-testid="open-other">
            {w.reading.openOther}
          </Link>
        )}
      </div>
      {study.data !== null ? <Viewer study={study.data} /> : study.problem ? <ProblemNote problem={study.problem} onRetry={study.reload} /> : <Loading />}
    </div>
  );
}

/** The right viewer for a study; measurements of another study never get into this report. */
function Viewer({ study, onMeasurement }: { study: StudyView; onMeasurement?: (text: string) => void }) {
  const w = useWords();
  const measuring = onMeasurement === undefined ? {} : { onMeasurement };
  const wait = <Empty>{w.reading.viewerLoading}</Empty>;
  return (
    <div className="viewer" data-testid={`viewer-${study.kind}`} data-viewer-of={study.id}>
      <FaultBoundary>
        <Suspense fallback={wait}>
          {study.kind === 'ecg' ? <Ecg study={study} {...measuring} /> : study.series.some((series) => series.instances.length > 0) ? (
            <ImageViewer study={study} {...measuring} />
          ) : (
            <Empty>{w.reading.noViewable}</Empty>
          )}
        </Suspense>
      </FaultBoundary>
    </div>
  );
}

function Ecg({ study, onMeasurement }: { study: StudyView; onMeasurement?: (text: string) => void }) {
  const w = useWords();
  const instances = study.series.flatMap((series) => series.instances).filter((instance) => instance.has_waveform || isPage(instance));
  const [chosen, setChosen] = useState(0);
  const instance = instances[Math.min(chosen, instances.length - 1)];
  if (instance === undefined) return <Empty>{w.reading.noWaveform}</Empty>;
  return (
    <>
      {instances.length > 1 && (
        <div className="study-strip" role="group" aria-label={w.reading.viewer}>
          {instances.map((one, index) => (
            <button key={one.id} type="button" className="study-tab" aria-pressed={index === chosen} onClick={() => { setChosen(index); }}>
              {w.reading.recording(index + 1)}
            </button>
          ))}
        </div>
      )}
      <div className="shown" data-shown={instance.id}>
        <EcgViewer key={`${instance.id}-${instance.version}`} study={study} instanceId={instance.id} {...(onMeasurement === undefined ? {} : { onMeasurement })} />
      </div>
    </>
  );
}

/** An ECG that came as a page: a PDF, plain or inside a DICOM object. */
function isPage(instance: { format: string; sop_class_uid: string }): boolean {
  return instance.format === 'pdf' || instance.sop_class_uid === ENCAPSULATED_PDF;
}

function titleOf(study: { kind: string; modality: string; body_part: string; description: string }, w: Words): string {
  if (study.kind === 'ecg') return w.common.kindEcg;
  return [study.modality, examOf(study, w)].filter((part) => part !== '').join(' ');
}
