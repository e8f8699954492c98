/** Signing shows every word that will be signed, its hash and what the checks found, and asks for the password again. */
import { type FormEvent, useState } from 'react';

import { readings as api } from '../api/endpoints';
import type { CheckView, ReadingRow } from '../api/types';
import { useAction, useResource } from '../app/resource';
import { AppDialog } from '../parts/dialog';
import { TextField } from '../parts/field';
import { PatientName } from '../parts/marks';
import { Loading, Note, ProblemNote } from '../parts/notes';
import { useFormat } from '../words';
import { useReportWords } from './use_words';

interface SignDialogProps {
  row: ReadingRow;
  isEmergency: boolean;
  onClose: () => void;
  onSigned: () => void;
}

export function SignDialog({ row, isEmergency, onClose, onSigned }: SignDialogProps) {
  const w = useReportWords();
  const format = useFormat();
  const sheet = useResource(() => api.signing(row.id), row.id);
  const [password, setPassword] = useState('');
  const sign = useAction(async (sha256: string) => {
    try {
      await api.sign(row.id, { password, text_sha256: sha256, is_emergency: isEmergency });
    } catch (error) {
      setPassword('');
      sheet.reload();
      throw error;
    }
    onSigned();
  });
  const isBlocked = sheet.data === null || sheet.data.checks.some((check) => check.is_blocking);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (sheet.data !== null && !isBlocked && password !== '') void sign.run(sheet.data.text_sha256);
  };
  return (
    <AppDialog title={isEmergency ? w.report.emergencyTitle : w.report.signTitle} size="large" onClose={onClose} testId="sign-dialog">
      {isEmergency && <Note tone="critical">{w.report.emergencyBand}</Note>}
      <p className="sign-who">
        <PatientName name={row.patient.name} /> · {format.sex(row.patient.sex)} · {format.age(row.age_years)}
        {[row.patient.patient_id, row.accession_number, row.site_name].filter((part) => part !== '').map((part) => ` · ${part}`)}
      </p>
      {sheet.data === null ? (
        sheet.problem ? <ProblemNote problem={sheet.problem} onRetry={sheet.reload} /> : <Loading />
      ) : (
        <>
          <Checks checks={sheet.data.checks} />
          <p>{w.report.signText}</p>
          <pre className="signing-text" data-testid="signing-text" tabIndex={0} aria-label={w.report.signText}>
            {sheet.data.text}
          </pre>
          <p className="secondary">
            {w.report.hash} SHA-256 <code data-testid="signing-hash">{sheet.data.text_sha256}</code>
          </p>
        </>
      )}
      <form onSubmit={submit} className="sign-form">
        <TextField
          label={w.report.password}
          type="password"
          autoComplete="current-password"
          value={password}
          disabled={isBlocked}
          readOnly={sign.isBusy}
          data-testid="sign-password"
          onChange={(event) => { setPassword(event.target.value); }}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && event.nativeEvent.isComposing) event.preventDefault();
          }}
        />
        <ProblemNote problem={sign.problem} />
        <footer>
          <button type="button" className="button" onClick={onClose}>
            {w.common.cancel}
          </button>
          <button type="submit" className={`button ${isEmergency ? 'danger' : 'primary'}`} disabled={isBlocked || password === '' || sign.isBusy} data-testid="sign-now">
            {sign.isBusy ? w.report.signing : w.report.signNow}
          </button>
        </footer>
      </form>
    </AppDialog>
  );
}

function Checks({ checks }: { checks: CheckView[] }) {
  const w = useReportWords();
  if (checks.length === 0) return <Note tone="ok">{w.report.checksPassed}</Note>;
  return (
    <section className="checks" aria-label={w.report.checks} data-testid="checks">
      {checks.map((check, index) => (
        <Note key={`${check.code}-${String(index)}`} tone={check.is_blocking ? 'critical' : 'warning'}>
          <span data-testid="check" data-code={check.code} data-blocking={check.is_blocking}>
            <b>{check.is_blocking ? w.report.blocking : w.report.advisory}</b> · {w.report.check[check.code] ?? check.code}
          </span>
          <p className="secondary">{check.detail}</p>
        </Note>
      ))}
    </section>
  );
}
