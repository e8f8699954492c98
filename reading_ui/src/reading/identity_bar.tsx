/** Who this is: always in sight, first on the left, the same on every reading. */
import type { ReactNode } from 'react';

import type { ReadingRow, StudyView } from '../api/types';
import { useNow } from '../app/clock';
import { Link, listAddress } from '../app/router';
import { isClosed } from '../model/due';
import { ClockMark } from '../parts/clock_mark';
import { Icon } from '../parts/icons';
import { PatientName, PriorityMark, StateMark } from '../parts/marks';
import { useFormat, useWords } from '../words';
import { WhyPanel } from './why_panel';

export function IdentityBar({ row, study, children }: { row: ReadingRow; study: StudyView; children?: ReactNode }) {
  const w = useWords();
  const format = useFormat();
  const { patient } = study;
  const facts: [string, string][] = [
    [w.reading.patientId, patient.patient_id || w.common.unknown],
    [w.reading.accession, study.accession_number || w.common.unknown],
    [w.reading.site, study.site_name],
    [w.reading.studyAt, format.when(study.study_at)],
  ];
  const asked: [string, string][] = [
    [w.reading.clinicalDiagnosis, study.request?.clinical_diagnosis ?? ''],
    [w.reading.purpose, study.request?.purpose ?? ''],
  ];
  return (
    <header className="identity" data-testid="identity">
      <Link className="button bare" href={listAddress()} data-testid="back-to-list">
        <Icon name="back" /> {w.reading.back}
      </Link>
      <div className="identity-person" role="group" aria-label={w.reading.identity}>
        <h1 data-testid="patient-name">
          <PatientName name={patient.name} />
        </h1>
        <span className="identity-basics">
          {format.sex(patient.sex)} · {format.age(study.age_years)}
          {patient.birth_date !== null && <span className="secondary"> · {w.reading.born(format.date(patient.birth_date))}</span>}
        </span>
        <dl>
          {facts.map(([label, value]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ))}
          {asked
            .filter(([, value]) => value !== '')
            .map(([label, value]) => (
              <div key={label} className="identity-asked" title={value} data-testid="clinical-request">
                <dt>{label}</dt>
                <dd>{value}</dd>
              </div>
            ))}
        </dl>
      </div>
      <div className="identity-state">
        <PriorityMark priority={row.priority} />
        <StateMark state={row.state} />
        <Clock row={row} />
        {children}
        <WhyPanel study={study} />
      </div>
    </header>
  );
}

function Clock({ row }: { row: ReadingRow }) {
  const now_ms = useNow();
  return isClosed(row.state) ? null : <ClockMark row={row} now_ms={now_ms} />;
}
