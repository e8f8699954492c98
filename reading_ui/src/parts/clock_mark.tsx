/** The clock of the stage that somebody waits for: shape, stage and time in words; colour only repeats what they say. */
import type { ReadingRow } from '../api/types';
import { clockOf } from '../model/due';
import { said, useFormat, useWords } from '../words';

/** A dial, a triangle, a diamond: calm, soon, over. */
const SHAPES = {
  calm: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 4.8V8l2.3 1.6',
  amber: 'M8 2 15 14H1zM8 6.500v3.500M8 12v.01',
  red: 'M8 1 15 8 8 15 1 8zM8 4.500v4M8 11v.01',
} as const;

export function ClockMark({ row, now_ms }: { row: ReadingRow; now_ms: number }) {
  const w = useWords();
  const format = useFormat();
  const clock = clockOf(row, now_ms);
  const span = format.span(clock.left_ms);
  const stage = said(w.common.stage, clock.stage);
  const left = clock.isOverdue ? w.common.clockOver(span) : w.common.clockLeft(span);
  return (
    <span className={`clock-mark clock-${clock.tone}`} title={`${stage} ${format.dateTime(clock.due_at)}`} data-testid="clock" data-tone={clock.tone} data-stage={clock.stage}>
      <svg className="icon" viewBox="0 0 16 16" width="14" height="14" aria-hidden>
        <path d={SHAPES[clock.tone]} fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round" />
      </svg>
      {stage} <b>{clock.tone === 'amber' ? w.common.clockSoon(span) : left}</b>
    </span>
  );
}
