/** Who measured, in a word beside the number. */
import { useRoomWords } from '../words/language';
import type { Source } from './measurements';
import * as words from './words_tools';

export function SourceMark({ source }: { source: Source }) {
  const w = useRoomWords(words);
  return <small className={`ecg-source ${source}`}>{w.sourceMarks[source]}</small>;
}
