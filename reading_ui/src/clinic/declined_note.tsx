/** The reading site does not read it: why, and what the clinic can do. */
import { Note } from '../parts/notes';
import * as words from '../parts/words_missing';
import { useRoomWords } from '../words/language';

export function DeclinedNote({ reason }: { reason: string }) {
  const w = useRoomWords(words);
  return (
    <div data-testid="declined">
      <Note tone="warning">
        <p>
          <b>{w.declined(reason)}</b>
        </p>
        <p className="secondary">{w.declinedHint}</p>
      </Note>
    </div>
  );
}
