/** The words of this room travel with its chunk. */
import { useMemo } from 'react';

import type { RuleLanguageView } from '../api/types';
import { useWords } from '../words';
import { useLanguage, useRoomWords } from '../words/language';
import { calendarsOf, groupsOf } from './outline';
import type { Speaking } from './sentences';
import * as words from './words';
import * as facts from './words_facts';
import * as simulation from './words_simulation';

const all = { zh: { ...words.zh, ...simulation.zh }, en: { ...words.en, ...simulation.en } };

export type RulesWords = typeof all.zh;

export function useRulesWords(): RulesWords {
  return useRoomWords(all);
}

const nothing: RuleLanguageView = { facts: [], then: [], sites: [], groups: [], destinations: [], readers: [], needs_approval: false };

/** What sentences need: words, names of people and places, and the groups that the draft itself names. */
export function useSpeaking(known: RuleLanguageView | null, source: string): Speaking {
  const say = useRoomWords(facts);
  const language = useLanguage();
  const w = useWords();
  return useMemo(
    () => ({ say, language, known: known ?? nothing, groups: groupsOf(source), calendars: calendarsOf(source), priority: w.common.priority, bodyPart: w.common.bodyPart }),
    [say, language, known, source, w],
  );
}
