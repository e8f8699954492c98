/** Reasons to pick from, as buttons that stay pressed; and the same in words. */
import type { ReasonChoice } from '../api/types';
import { useLanguage, useRoomWords } from '../words/language';
import * as words from './words';

interface ReasonsProps {
  label: string;
  choices: readonly ReasonChoice[];
  chosen: readonly string[];
  onChosen: (codes: string[]) => void;
}

export function Reasons({ label, choices, chosen, onChosen }: ReasonsProps) {
  const language = useLanguage();
  return (
    <fieldset className="quality-reasons">
      <legend>{label}</legend>
      {choices.map((reason) => {
        const isChosen = chosen.includes(reason.code);
        return (
          <button key={reason.code} type="button" className="button" aria-pressed={isChosen} title={language === 'zh' ? reason.advice_zh : reason.advice_en}
            onClick={() => { onChosen(isChosen ? chosen.filter((code) => code !== reason.code) : [...chosen, reason.code]); }} data-testid={`reason-${reason.code}`}>
            {language === 'zh' ? reason.zh : reason.en}
          </button>
        );
      })}
    </fieldset>
  );
}

/** "Positioning, motion, take off the necklace". */
export function useReasonText(): (codes: readonly string[], choices: readonly ReasonChoice[], note?: string) => string {
  const w = useRoomWords(words);
  const language = useLanguage();
  return (codes, choices, note = '') => {
    const said = codes.filter((code) => code !== 'other').map((code) => {
      const reason = choices.find((one) => one.code === code);
      return reason === undefined ? code : language === 'zh' ? reason.zh : reason.en;
    });
    return [...said, ...(note === '' ? [] : [note])].join(w.listComma);
  };
}
