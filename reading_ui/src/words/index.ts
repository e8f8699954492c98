/**
 * The composed dictionary of the pages. Each room brings its own words; rooms that load later keep theirs in their
 * own chunk (`useRoomWords`).
 */
import { useContext, useMemo } from 'react';

import { SessionContext } from '../app/session';
import * as shell from '../app/words';
import * as login from '../login/words';
import * as reading from '../reading/words';
import * as worklist from '../worklist/words';
import * as common from './common';
import * as ecgQuality from './ecg_quality';
import { type Format, formatOf } from './format';
import { useLanguage } from './language';

export const zh = {
  common: common.zh,
  shell: shell.zh,
  login: login.zh,
  worklist: worklist.zh,
  reading: reading.zh,
  ecgQuality: ecgQuality.zh,
};

export type Words = typeof zh;

export const en: Words = {
  common: common.en,
  shell: shell.en,
  login: login.en,
  worklist: worklist.en,
  reading: reading.en,
  ecgQuality: ecgQuality.en,
};

const both = { zh, en };

export function useWords(): Words {
  return both[useLanguage()];
}

export function useFormat(): Format {
  const language = useLanguage();
  const timeZone = useContext(SessionContext)?.session.time_zone;
  return useMemo(() => formatOf(language, both[language].common, timeZone), [language, timeZone]);
}

/** The word for a machine word, or the machine word itself: a new state is shown rather than hidden. */
export function said(words: Record<string, string>, machineWord: string): string {
  return words[machineWord] ?? machineWord;
}

/** What was examined, in a few words: body part where the device names one, else its description. */
export function examOf(study: { body_part: string; description: string }, words: Words): string {
  return study.body_part === '' ? study.description : said(words.common.bodyPart, study.body_part.toUpperCase());
}
