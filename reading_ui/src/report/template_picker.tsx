/** Normal text is offered, never put in by itself; replacing written words asks first. */
import { useState } from 'react';

import { reports as api } from '../api/endpoints';
import type { StudyView, TemplateView } from '../api/types';
import { useLive } from '../app/live';
import { useResource } from '../app/resource';
import { AppDialog } from '../parts/dialog';
import { useLanguage } from '../words/language';
import { useReportWords } from './use_words';

interface TemplatePickerProps {
  study: StudyView;
  templateId: string;
  isBlank: boolean;
  onChoose: (template: TemplateView) => void;
}

export function TemplatePicker({ study, templateId, isBlank, onChoose }: TemplatePickerProps) {
  const w = useReportWords();
  const language = useLanguage();
  const asked = { modality: study.modality, body_part: study.body_part || study.description, kind: study.kind, study_id: study.id };
  const templates = useResource(() => api.templates(asked), JSON.stringify(asked));
  // A number that was measured or corrected meanwhile belongs in the offered text.
  useLive((event) => event.kind === 'analysis' && event.study_id === study.id, templates.reload);
  const [pending, setPending] = useState<TemplateView | null>(null);
  const offered = templates.data ?? [];
  const nameOf = (template: TemplateView): string => (language === 'zh' ? template.name : template.name_en || template.name);
  const chosen = offered.find((template) => template.id === templateId);
  return (
    <>
      <div className="template-row">
        <select
          className="control"
          aria-label={w.report.template}
          value={chosen?.id ?? ''}
          data-testid="template"
          onChange={(event) => {
            const picked = offered.find((template) => template.id === event.target.value);
            if (picked === undefined) return;
            if (isBlank) onChoose(picked);
            else setPending(picked);
          }}
        >
          <option value="" disabled>
            {w.report.chooseTemplate}
          </option>
          {offered.map((template) => (
            <option key={template.id} value={template.id}>
              {nameOf(template)}
            </option>
          ))}
        </select>
      </div>
      {chosen !== undefined && chosen.hints !== '' && (
        <details className="hints">
          <summary>{w.report.hints}</summary>
          <p>{chosen.hints}</p>
        </details>
      )}
      {pending !== null && (
        <AppDialog title={w.report.replaceTitle} onClose={() => { setPending(null); }}>
          <p>{w.report.replaceHint(nameOf(pending))}</p>
          <footer>
            <button type="button" className="button" onClick={() => { setPending(null); }}>
              {w.common.cancel}
            </button>
            <button
              type="button"
              className="button primary"
              data-testid="replace-text"
              onClick={() => {
                onChoose(pending);
                setPending(null);
              }}
            >
              {w.report.replace}
            </button>
          </footer>
        </AppDialog>
      )}
    </>
  );
}
