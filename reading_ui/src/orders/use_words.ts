/** The words of orders travel with their own chunk. */
import { useRoomWords } from '../words/language';
import * as words from './words';

export type OrderWords = typeof words.zh;

export function useOrderWords(): OrderWords {
  return useRoomWords(words);
}
