/** What of consent and agreement nobody has recorded (A2): a warning to the reader and to the clinic, never a bar. */
import { useRoomWords } from '../words/language';
import { Icon } from './icons';
import * as words from './words_missing';

export function MissingNote({ missing }: { missing: string[] }) {
  const w = useRoomWords(words);
  if (missing.length === 0) return null;
  return (
    <p className="missing-note" data-testid="missing" data-missing={missing.join(' ')} title={w.hint}>
      <Icon name="warning" /> {missing.map((word) => w.missing[word] ?? word).join(w.separator)}
    </p>
  );
}
