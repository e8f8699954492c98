/** Why an ECG stands further up: a number beyond a limit, or the cart's own words. 提示排序,不代表诊断 (K3). */
import type { PriorityHintView, ReadingRow } from '../api/types';
import { said, useWords, type Words } from '../words';
import { useLanguage } from '../words/language';

/** The most pressing hint in a few signs, a number with who measured it (K2); everything that is known stands in its title. */
export function HintBadge({ row, w }: { row: ReadingRow; w: Words }) {
  const language = useLanguage();
  const [first] = row.priority_hints;
  if (first === undefined) return null;
  const all = row.priority_hints.map((hint) => hint[language]).join('\n');
  return (
    <abbr className={`hint-badge hint-${first.level}`} title={`${w.common.hintOnly}\n${all}`} data-testid="hint-badge" data-level={first.level}>
      {shortOf(first, w)}
    </abbr>
  );
}

/** All hints of a decision, each with its level, its source and the list that names it. */
export function HintList({ hints }: { hints: PriorityHintView[] }) {
  const w = useWords();
  const language = useLanguage();
  if (hints.length === 0) return null;
  return (
    <div className="hint-list" data-testid="hint-list">
      <p className="secondary">{w.common.hintOnly}</p>
      <ul>
        {hints.map((hint) => (
          <li key={`${hint.item}-${hint.source}-${hint.measure}-${hint.statement}`} data-testid="priority-hint" data-item={hint.item}>
            <span className={`hint-badge hint-${hint.level}`}>{said(w.common.hintLevel, hint.level)}</span> <b>{hint[language]}</b>{' '}
            <span className="secondary">
              {hint.item} · {hint.list_source} · {hint.list_version}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function shortOf(hint: PriorityHintView, w: Words): string {
  if (hint.value !== null) return `${said(w.common.hintMeasure, hint.measure)} ${String(Math.round(hint.value))} ${said(w.common.hintMark, hint.source)}`;
  return hint.source === 'statement' ? w.common.hintStatement : w.common.hintQuality;
}
