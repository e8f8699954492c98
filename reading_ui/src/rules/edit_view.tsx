/** The draft as a form or as text, two looks at the same file; what `check` found stands between them. */
import { lazy, useCallback, useState } from 'react';

import { Loading } from '../parts/notes';
import { FileActs } from './file_acts';
import { FormList } from './form_list';
import { ProblemList } from './problem_list';
import type { Rules } from './use_rules';
import { useRulesWords } from './use_words';

const CodeEditor = lazy(() => import('./code_editor'));

type Mode = 'form' | 'text';

export function EditView({ rules }: { rules: Rules }) {
  const w = useRulesWords();
  const [mode, setMode] = useState<Mode>('form');
  const [goTo, setGoTo] = useState<{ line: number; column: number; serial: number } | null>(null);
  const toText = useCallback((line: number, column: number) => {
    setMode('text');
    setGoTo((old) => ({ line, column, serial: (old?.serial ?? 0) + 1 }));
  }, []);
  const change = useCallback((source: string) => { rules.change(source, 'text'); }, [rules]);
  const problems = rules.checked?.check.problems ?? [];
  return (
    <div className="rules-edit" data-mode={mode}>
      <div className="mode-switch" role="group" aria-label={w.modeLabel}>
        {(['form', 'text'] as const).map((name) => (
          <button key={name} type="button" className="button" aria-pressed={mode === name} onClick={() => { setMode(name); }} data-testid={`rules-mode-${name}`}>
            {w.modes[name]}
          </button>
        ))}
        {mode === 'text' && <FileActs rules={rules} />}
      </div>
      <ProblemList rules={rules} onGo={toText} />
      {mode === 'form' && <FormList rules={rules} />}
      {mode === 'text' && rules.known === null && <Loading />}
      {mode === 'text' && (
        <>
          <CodeEditor source={rules.source} label={w.editorLabel} known={rules.known} problems={problems} goTo={goTo} onChange={change} />
          <p className="secondary">{w.editorHint}</p>
        </>
      )}
    </div>
  );
}
