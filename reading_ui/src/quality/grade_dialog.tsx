/** One key opens it, one more grades: 甲 乙 丙 at once, 废 goes on to say why. */
import { type KeyboardEvent, useState } from 'react';

import { quality as api } from '../api/quality';
import type { QualityView, StudyView } from '../api/types';
import { useAction } from '../app/resource';
import { AppDialog } from '../parts/dialog';
import { ProblemNote } from '../parts/notes';
import { useFormat } from '../words';
import { useLanguage, useRoomWords } from '../words/language';
import type { Taken } from './picture';
import { Reasons, useReasonText } from './reasons';
import { type Subject, subjectsOf } from './subject';
import * as words from './words';

export interface GradeDialogProps {
  study: StudyView;
  known: QualityView;
  taken: Taken | null;
  onGraded: (view: QualityView) => void;
  onReject: () => void;
  onClose: () => void;
}

const REJECTED = 'rejected';

export function GradeDialog({ study, known, taken, onGraded, onReject, onClose }: GradeDialogProps) {
  const w = useRoomWords(words);
  const language = useLanguage();
  const subjects = subjectsOf(study, taken);
  const [chosen, setChosen] = useState(0);
  const subject: Subject = subjects[chosen] ?? { level: 'study', target_id: study.id, frame: 0 };
  const [reasons, setReasons] = useState<string[]>([]);
  const before = known.grades.find((grade) => grade.is_current && grade.target_id === subject.target_id && grade.frame === subject.frame);
  const send = useAction(async (grade: string) => {
    onGraded(await api.grade(study.id, { ...subject, grade, revision: before?.revision ?? 0, reasons, note: '' }));
  });
  const give = (grade: string): void => {
    if (grade === REJECTED) onReject();
    else void send.run(grade).then((isDone) => { if (isDone) onClose(); });
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.nativeEvent.isComposing) return;
    const choice = known.grade_choices[Number(event.key) - 1];
    if (choice !== undefined && /^[1-9]$/.test(event.key)) {
      event.preventDefault();
      give(choice.grade);
    } else if (event.key.toLowerCase() === 'j') {
      event.preventDefault();
      onReject();
    }
  };
  return (
    <AppDialog title={w.judge} onClose={onClose} testId="grade-dialog">
      <div className="grade-body" onKeyDown={onKey}>
        <div className="grades" role="group" aria-label={w.judge}>
          {known.grade_choices.map((choice, index) => (
            <button key={choice.grade} type="button" className={`button grade-${choice.grade}`} autoFocus={index === 0} aria-pressed={before?.grade === choice.grade}
              disabled={send.isBusy} onClick={() => { give(choice.grade); }} data-testid={`grade-${choice.grade}`}>
              <b>{language === 'zh' ? choice.zh : choice.en}</b>
              <kbd>{index + 1}</kbd>
            </button>
          ))}
        </div>
        <p className="secondary">{w.judgeHint}</p>
        {subjects.length > 1 && (
          <fieldset className="grade-subject">
            <legend>{w.subject}</legend>
            {subjects.map(({ level }, index) => (
              <label key={level} className="check-field">
                <input type="radio" name="subject" checked={chosen === index} onChange={() => { setChosen(index); }} data-testid={`subject-${level}`} /> {w.levels[level]}
              </label>
            ))}
          </fieldset>
        )}
        <Reasons label={w.reasonsOptional} choices={known.reason_choices.filter((one) => one.code !== 'other')} chosen={reasons} onChosen={setReasons} />
        <ProblemNote problem={send.problem} />
        <History known={known} />
        <footer>
          <button type="button" className="button danger" onClick={onReject} data-testid="open-reject">{w.reject} <kbd>J</kbd></button>
        </footer>
      </div>
    </AppDialog>
  );
}

function History({ known }: { known: QualityView }) {
  const w = useRoomWords(words);
  const format = useFormat();
  const language = useLanguage();
  const text = useReasonText();
  if (known.grades.length === 0) return null;
  return (
    <section className="grade-history" aria-label={w.history} data-testid="grade-history">
      <h3>{w.history}</h3>
      <ul>
        {known.grades.map((grade) => {
          const choice = known.grade_choices.find((one) => one.grade === grade.grade);
          return (
            <li key={grade.id} data-current={grade.is_current}>
              <b>{(language === 'zh' ? choice?.zh : choice?.en) ?? grade.grade}</b> {grade.level !== 'study' && <span className="secondary">{w.levels[grade.level]} </span>}
              {text(grade.reasons, known.reason_choices, grade.note)} <span className="secondary">{w.by(grade.graded_by_name, format.when(grade.graded_at))}</span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
