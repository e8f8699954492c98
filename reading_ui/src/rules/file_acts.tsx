/** Files in, files out: the draft to a file that can live in version control, and a file into the draft. */
import { useRef } from 'react';

import type { Rules } from './use_rules';
import { useRulesWords } from './use_words';

export function FileActs({ rules }: { rules: Rules }) {
  const w = useRulesWords();
  const input = useRef<HTMLInputElement>(null);
  const open = async (file: File | undefined): Promise<void> => {
    if (file !== undefined) rules.change(await file.text(), 'form');
    if (input.current !== null) input.current.value = '';
  };
  return (
    <div className="row-acts">
      <button type="button" className="button" onClick={() => { save(rules.source, 'reading-rules.yaml', 'text/yaml'); }} data-testid="rules-file-out">
        {w.fileOut}
      </button>
      <button type="button" className="button" onClick={() => { input.current?.click(); }}>
        {w.fileIn}
      </button>
      <input ref={input} type="file" accept=".yaml,.yml,text/yaml" hidden aria-label={w.fileIn} onChange={(event) => { void open(event.target.files?.[0]); }} data-testid="rules-file-in" />
    </div>
  );
}

/** Hands a text to the browser as a file. */
export function save(text: string, name: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
