/** The reader's button beside the clock: what the pictures were graded, and the keys G (grade) and J (reject). */
import { lazy, Suspense, useCallback, useEffect, useState } from 'react';

import type { QualityView, StudyView } from '../api/types';
import { useLanguage, useRoomWords } from '../words/language';
import type { Open } from './dialogs';
import { takePicture } from './picture';
import * as words from './words';

const Dialogs = lazy(() => import('./dialogs'));

interface GradeButtonProps {
  study: StudyView;
  known: QualityView;
  canSendBack: boolean;
  onView: (view: QualityView) => void;
  onRejected: () => void;
}

export function GradeButton({ study, known, canSendBack, onView, onRejected }: GradeButtonProps) {
  const w = useRoomWords(words);
  const language = useLanguage();
  const [open, setOpen] = useState<Open | null>(null);
  const show = useCallback((kind: Open['kind']) => { setOpen({ kind, taken: takePicture(study.id) }); }, [study.id]);
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing || isTyping(event.target)) return;
      const kind = { g: 'grade', j: 'reject' }[event.key.toLowerCase()] as Open['kind'] | undefined;
      if (kind === undefined) return;
      event.preventDefault();
      show(kind);
    };
    document.addEventListener('keydown', press);
    return () => { document.removeEventListener('keydown', press); };
  }, [show]);
  const current = known.grades.find((grade) => grade.is_current && (grade.level === 'study' || grade.grade === 'rejected')) ?? known.grades.find((grade) => grade.is_current);
  const choice = known.grade_choices.find((one) => one.grade === current?.grade);
  const said = choice === undefined ? w.ungraded : `${w.quality} ${language === 'zh' ? choice.zh : choice.en}`;
  return (
    <>
      <button type="button" className={`button bare grade-button ${current?.grade === 'rejected' ? 'is-rejected' : ''}`} title={w.gradeKey}
        onClick={() => { show('grade'); }} data-testid="grade-button" data-grade={current?.grade ?? ''}>
        {said}
      </button>
      {open !== null && (
        <Suspense fallback={null}>
          <Dialogs
            open={open} study={study} known={known} canSendBack={canSendBack} onOpen={setOpen} onGraded={onView}
            onRejected={() => {
              setOpen(null);
              onRejected();
            }}
            onClose={() => { setOpen(null); }}
          />
        </Suspense>
      )}
    </>
  );
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('input, textarea, select, [contenteditable], [role="dialog"], [role="menu"]') !== null;
}
