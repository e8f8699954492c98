/**
 * The four corners of a picture, and the sides of the patient at its edges. Who the patient is cannot be switched off.
 */
import type { ReactNode } from 'react';

import type { StudyView } from '../api/types';
import { useFormat } from '../words';
import { useRoomWords } from '../words/language';
import { type Marks, NO_MARKS } from './orientation';
import * as words from './words';

interface OverlayProps {
  study: StudyView;
  seriesText: string;
  index: number;
  count: number;
  marks?: Marks;
  /** Bottom left, above the counter. */
  quality?: ReactNode;
  /** Bottom right. */
  look?: ReactNode;
}

export function Overlay({ study, seriesText, index, count, marks = NO_MARKS, quality, look }: OverlayProps) {
  const w = useRoomWords(words);
  const format = useFormat();
  const { patient } = study;
  const basics = [w.sex[patient.sex] ?? patient.sex, study.age_years === null ? '' : format.age(study.age_years)].filter((part) => part !== '').join(' ');
  return (
    <div className="overlay">
      <div className="corner top left" data-testid="overlay-identity">
        <b>{patient.name.display}</b>
        {patient.name.is_guessed && <span className="guessed">? {w.guessed}</span>}
        <span>{basics}</span>
        <span>{w.id} {patient.patient_id}</span>
        {patient.birth_date !== null && <span>{w.born} {patient.birth_date}</span>}
      </div>
      <div className="corner top right">
        <span>{study.site_name}</span>
        <span>{format.dateTime(study.study_at)}</span>
        <span>{w.accession} {study.accession_number}</span>
        <span>{[study.modality, study.body_part].filter((part) => part !== '').join(' ')}</span>
        {study.device_name !== null && <span>{study.device_name}</span>}
      </div>
      <div className="corner bottom left">
        {quality}
        <span>{seriesText}</span>
        <b data-testid="image-counter">{w.image(index + 1, count)}</b>
        {study.expected_count !== null && study.expected_count !== study.instance_count && (
          <span className="missing">{w.received(study.instance_count, study.expected_count)}</span>
        )}
      </div>
      <div className="corner bottom right">{look}</div>
      {(['left', 'right', 'top', 'bottom'] as const).map((edge) => (
        <span key={edge} className={`side ${edge}`} data-testid={`side-${edge}`}>{marks[edge]}</span>
      ))}
    </div>
  );
}
