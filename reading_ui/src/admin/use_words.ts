/** The administrator's words travel with the administrator's chunk: nobody else has to load them. */
import { useRoomWords } from '../words/language';
import * as words from './words';

export type AdminWords = typeof words.zh;

export function useAdminWords(): AdminWords {
  return useRoomWords(words);
}
