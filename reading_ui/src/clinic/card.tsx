/** One study as the clinic sees it: who, what, how far, and what to do next. */
import type { ClinicRow } from '../api/types';
import { STEP_COUNT, stepsReached } from '../model/clinic_steps';
import { Icon } from '../parts/icons';
import { PatientName, PriorityMark } from '../parts/marks';
import { MissingNote } from '../parts/missing_note';
import { Note } from '../parts/notes';
import { examOf, said, useFormat } from '../words';
import { faultText } from '../words/ecg_quality';
import { DeclinedNote } from './declined_note';
import { ReceivedButton } from './received_button';
import { useClinicWords } from './use_words';

export function StudyCard({ row, onOpen, onChanged }: { row: ClinicRow; onOpen: () => void; onChanged: () => void }) {
  const w = useClinicWords();
  const format = useFormat();
  const hasReport = row.report_id !== null;
  return (
    <li className={`card step-${row.step} ${row.is_critical && row.step === 'report_ready' ? 'critical' : ''}`} data-testid="clinic-row" data-step={row.step} data-study={row.study_id}>
      <div className="card-who">
        <h2>
          <PatientName name={row.patient.name} />
        </h2>
        <span>
          {format.sex(row.patient.sex)} · {format.age(row.age_years)}
        </span>
        <span className="secondary">{row.patient.patient_id}</span>
      </div>
      <div className="card-exam">
        <Icon name={row.kind === 'ecg' ? 'ecg' : 'image'} label={row.kind === 'ecg' ? w.common.kindEcg : w.common.kindImage} /> <b>{row.modality}</b>{' '}
        {examOf(row, w)} {row.priority !== null && row.priority !== 'routine' && <PriorityMark priority={row.priority} />}
        <p className="secondary">
          {w.clinic.arrived(format.when(row.arrived_at))}
          {row.kind === 'image' && ` · ${row.expected_count === null ? w.clinic.images(row.instance_count) : w.clinic.counted(row.instance_count, row.expected_count)}`}
        </p>
      </div>
      <Steps row={row} />
      <div className="card-report">
        <RepeatAdvice row={row} />
        {row.step !== 'acknowledged' && <MissingNote missing={row.missing} />}
        {row.is_declined && <DeclinedNote reason={row.reason} />}
        {row.step === 'sent_back' && !row.is_declined && <Note tone="warning">{w.clinic.sentBack(row.reason)}</Note>}
        {row.is_critical && hasReport && (row.step === 'acknowledged' ? <CriticalBadge /> : <Note tone="critical">{w.clinic.criticalHint}</Note>)}
        {row.report_state === 'preliminary' && <p className="preliminary">{w.clinic.preliminary}</p>}
        {hasReport && (
          <div className="card-acts">
            <button type="button" className="button large" onClick={onOpen} data-testid="show-report">
              {w.clinic.open}
            </button>
            <ReceivedButton row={row} onChanged={onChanged} />
          </div>
        )}
        <NodeLine row={row} />
      </div>
    </li>
  );
}

/** The trace is too poor to read well: said while the patient is still there, and quietly once there is a report. */
function RepeatAdvice({ row }: { row: ClinicRow }) {
  const w = useClinicWords();
  if (!row.is_repeat_advised) return null;
  const reasons = row.quality_hints.map((hint) => faultText(hint, w.ecgQuality)).join(w.ecgQuality.sentenceBreak);
  const advice = w.ecgQuality.repeat + w.ecgQuality.colon + reasons;
  if (row.report_id !== null) {
    return (
      <p className="secondary" data-testid="repeat-advised">
        {advice}
      </p>
    );
  }
  return (
    <div data-testid="repeat-advised" role="status">
      <Note tone="warning">
        <p>
          <b>{advice}</b>
        </p>
        <p className="secondary">{w.ecgQuality.twice}</p>
      </Note>
    </div>
  );
}

function CriticalBadge() {
  const w = useClinicWords();
  return (
    <p className="preliminary">
      <Icon name="warning" /> {w.clinic.critical}
    </p>
  );
}

function Steps({ row }: { row: ClinicRow }) {
  const w = useClinicWords();
  const format = useFormat();
  const reached = stepsReached(row.step);
  const isWaiting = reached < 4 && row.step !== 'sent_back' && row.step !== 'read_elsewhere';
  return (
    <div className="steps">
      <p className="steps-word" data-testid="step">
        {row.step === 'acknowledged' ? <Icon name="check" /> : null} {said(w.clinic.steps, row.step)}
      </p>
      <ol aria-hidden>
        {w.clinic.line.slice(0, STEP_COUNT).map((word, index) => (
          <li key={word} data-reached={index < reached} data-now={index === reached - 1}>
            <span>{word}</span>
          </li>
        ))}
      </ol>
      {isWaiting && (
        <p className="secondary">
          {row.reader_name !== null && `${w.clinic.reader(row.reader_name)} · `}
          {row.due_at !== null && w.clinic.due(format.when(row.due_at))}
        </p>
      )}
    </div>
  );
}

/** The copy that goes to the clinic's own node: silent while all is well, and says why it waits otherwise. */
function NodeLine({ row }: { row: ClinicRow }) {
  const w = useClinicWords();
  const format = useFormat();
  const node = row.node_delivery;
  if (node === null) return null;
  const waits = node.state === 'queued' || node.state === 'sent' || node.state === 'refused';
  return (
    <p className={waits ? 'node-waits' : 'secondary'} data-testid="node-delivery" data-state={node.state}>
      {w.clinic.node(node.destination_name)}
      {said(w.common.deliveryState, node.state)} {node.accepted_at !== null && format.when(node.accepted_at)}
      {waits && node.last_error !== '' && ` · ${node.last_error}`}
    </p>
  );
}
