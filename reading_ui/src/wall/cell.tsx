/** One ECG on the wall: where it is from, how urgent, how long it has waited, what is being done, and its trace. */
import type { WallItem } from '../api/types';
import { Icon } from '../parts/icons';
import { said, useFormat, useWords } from '../words';
import { useRoomWords } from '../words/language';
import { waited } from './freshness';
import type { Sizes } from './sizes';
import { Trace } from './trace';
import * as words from './words';

interface CellProps {
  item: WallItem;
  /** The gateway's clock. */
  now_ms: number;
  isFresh: boolean;
  box: { widthPx: number; heightPx: number };
  sizes: Sizes;
  round: number;
}

/** What frame, lines and paddings of wall.css take, in lines of the two sizes and in pixels. */
const HEAD_LINES = { main: 2.4 };
const FRAME_PX = 24;

export function Cell({ item, now_ms, isFresh, box, sizes, round }: CellProps) {
  const w = useWords();
  const own = useRoomWords(words);
  const format = useFormat();
  const isOpen = item.state !== 'report_out';
  const hint = item.is_raised_by_hint && isOpen ? hintWords() : '';
  const notePx = linesOf(hint, (box.widthPx - FRAME_PX) / sizes.smallPx) * sizes.smallPx * 1.2;
  const heightPx = box.heightPx - FRAME_PX - sizes.mainPx * HEAD_LINES.main - notePx;

  function hintWords(): string {
    const numbers = item.hints.map(({ measure, value, source }) => `${said(w.common.hintMeasure, measure)} ${format.number(Math.round(value))} ${said(own.measuredBy, source)}`);
    return [[...new Set(numbers)].slice(0, 1).join(''), w.common.hintOnly].filter((part) => part !== '').join(' ');
  }

  return (
    <article className={`wall-cell wall-${item.priority} wall-${item.state}${item.is_alarming ? ' alarming' : ''}`} data-testid="wall-cell"
      data-study={item.study_id} data-priority={item.priority} data-state={item.state} data-alarming={item.is_alarming} data-fresh={isFresh}>
      <h2>{item.site_name}</h2>
      <p className="wall-line">
        <span className="wall-priority">
          {item.priority === 'emergency' && <Icon name="warning" />}
          {item.is_alarming ? own.alarmLabel : said(w.common.priority, item.priority)}
        </span>
        {!item.is_alarming && <span className="wall-state">{isFresh ? said(own.state, item.state) : own.unknownState}</span>}
        {isOpen ? <time dateTime={item.arrived_at} data-testid="wall-waited">{waited(item.arrived_at, now_ms)}</time> : <Icon name="check" />}
      </p>
      <Trace instanceId={item.instance_id} label={own.trace(item.site_name)} widthPx={box.widthPx - FRAME_PX} heightPx={heightPx} penPx={sizes.penPx} round={round} />
      {hint !== '' && <p className="wall-hint" data-testid="wall-hint">{hint}</p>}
    </article>
  );
}

/** Lines that words take in so many times the size of the letters: a Chinese character is one wide, others about half. */
function linesOf(text: string, widthEm: number): number {
  const lengthEm = [...text].reduce((sum, letter) => sum + (letter > '\u2e7f' ? 1 : 0.56), 0);
  return Math.ceil(lengthEm / widthEm);
}
