/** The words of this room load with it; `w.report` beside the words that every page has. */
import { useMemo } from 'react';

import { useWords, type Words } from '../words';
import { useRoomWords } from '../words/language';
import * as words from './words';

export type ReportWords = Words & { report: typeof words.zh };

export function useReportWords(): ReportWords {
  const everywhere = useWords();
  const own = useRoomWords(words);
  return useMemo(() => ({ ...everywhere, report: own }), [everywhere, own]);
}
