/** The words of this room load with it; `w.clinic` beside the words that every page has. */
import { useMemo } from 'react';

import { useWords, type Words } from '../words';
import { useRoomWords } from '../words/language';
import * as words from './words';

export type ClinicWords = Words & { clinic: typeof words.zh };

export function useClinicWords(): ClinicWords {
  const everywhere = useWords();
  const own = useRoomWords(words);
  return useMemo(() => ({ ...everywhere, clinic: own }), [everywhere, own]);
}
