/** The keys, as the help shows them. */
import { useRoomWords } from '../words/language';
import { KEYS } from './keys';
import * as words from './words';

export function KeyList() {
  const w = useRoomWords(words);
  const rows = Object.entries(KEYS).map(([name, keys]) => [[...keys], w.keys[name as keyof typeof KEYS]] as const);
  return (
    <dl className="ecg-help" data-testid="ecg-help-list">
      {[...rows, [['←', '→', '↑', '↓'], w.keys.arms] as const].map(([keys, meaning]) => (
        <div key={meaning} style={{ display: 'contents' }}>
          <dt>{keys.map((key) => (key === '…' ? <span key={key}>…</span> : <kbd key={key}>{key}</kbd>))}</dt>
          <dd>{meaning}</dd>
        </div>
      ))}
    </dl>
  );
}
