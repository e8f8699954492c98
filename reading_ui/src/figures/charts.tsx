/** Three pictures: the stages on one scale of time, the months, and the hours of the day. */
import type { CSSProperties } from 'react';

import type { ReadingFigureLine } from '../api/types';
import { useRoomWords } from '../words/language';
import { breachRate, highestOf, placeOf, rateText, SCALE_S, spanText, STAGES } from './spans';
import * as words from './words';

const percent = (share: number) => `${String(share * 100)}%`;

export function Stages({ line }: { line: ReadingFigureLine }) {
  const w = useRoomWords(words);
  return (
    <>
      <ol className="stage-bars" data-testid="stage-bars">
        {STAGES.map((name) => {
          const stage = line.stages[name];
          const median = stage?.median_s ?? null;
          const p90 = stage?.p90_s ?? null;
          const late = breachRate(stage);
          return (
            <li key={name} data-stage={name}>
              <span>{w.stages[name]}</span>
              <span className="stage-space" role="img" aria-label={w.stage(spanText(median, w), spanText(p90, w), stage?.breaches ?? 0, stage?.counted ?? 0)}>
                {median !== null && <i style={{ width: percent(placeOf(median)) }} />}
                {p90 !== null && <b style={{ left: percent(placeOf(p90)) }} />}
              </span>
              <b>{spanText(median, w)}</b>
              <span className="secondary">{spanText(p90, w)}</span>
              <span className={late !== null && late > 0 ? 'is-late' : 'secondary'}>{late === null ? '–' : `${late > 0 ? '▲ ' : ''}${rateText(late)}`}</span>
            </li>
          );
        })}
      </ol>
      <p className="stage-scale" aria-hidden>
        {SCALE_S.map((seconds) => <span key={seconds} style={{ left: percent(placeOf(seconds)) }}>{spanText(seconds, w)}</span>)}
      </p>
    </>
  );
}

export function Months({ lines }: { lines: readonly ReadingFigureLine[] }) {
  const w = useRoomWords(words);
  return (
    <ol className="month-columns" data-testid="month-columns">
      {lines.map((line) => {
        const review = line.stages['review'];
        const late = breachRate(review);
        return (
          <li key={line.month} title={review === undefined ? '' : w.stage(spanText(review.median_s, w), spanText(review.p90_s, w), review.breaches, review.counted)}>
            <b>{spanText(review?.median_s, w)}</b>
            <span className="month-space">{review?.median_s != null && <i style={{ height: percent(placeOf(review.median_s)) }} />}</span>
            <span className="secondary">{line.month.slice(2)}</span>
            <span className={late !== null && late > 0 ? 'is-late' : 'secondary'}>{rateText(late)}</span>
          </li>
        );
      })}
    </ol>
  );
}

export function Hours({ line }: { line: ReadingFigureLine }) {
  const w = useRoomWords(words);
  const most = highestOf([line]);
  return (
    <div className="hour-rows" data-testid="hour-rows">
      {([['hours', w.arrived], ['signed_hours', w.signed]] as const).map(([key, word]) => (
        <div key={key}>
          <span>{word}</span>
          <ol>
            {line[key].map((count, hour) => (
              <li key={hour} title={w.hour(hour, count)} style={{ '--share': percent(count / most) } as CSSProperties}>
                <span>{count > 0 ? count : ''}</span>
              </li>
            ))}
          </ol>
        </div>
      ))}
      <p aria-hidden>{[0, 6, 12, 18].map((hour) => <span key={hour}>{hour}</span>)}</p>
    </div>
  );
}
