/** The words of this room travel with its chunk. */
import { useRoomWords } from '../words/language';
import * as words from './words';

export type RosterWords = typeof words.zh;

export function useRosterWords(): RosterWords {
  return useRoomWords(words);
}
