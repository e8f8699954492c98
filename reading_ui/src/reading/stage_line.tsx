/** The stages of a reading as one thin line: which were in time, which late, which still run and until when. */
import type { ClockView } from '../api/types';
import { useNow } from '../app/clock';
import { said, useFormat, useWords } from '../words';
import { useRoomWords } from '../words/language';
import * as words from './words_stages';

/** A tick, a tick with its foot cut, an exclamation, an open ring, a bar: told apart without colour. */
const SHAPES: Record<string, string> = {
  met: 'M3 8.500 6.500 12 13 4.500',
  late: 'M3 8.500 6.500 12 13 4.500M3 14.500h10',
  breached: 'M8 1 15 8 8 15 1 8zM8 4.500v4M8 11v.01',
  pending: 'M8 3.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 0 0 0-9z',
  stopped: 'M4 8h8',
};

export function StageLine({ clocks, current }: { clocks: ClockView[]; current: string | undefined }) {
  const w = useWords();
  const said_ = useRoomWords(words);
  const format = useFormat();
  const now_ms = useNow();
  if (clocks.length === 0) return null;
  const word = (clock: ClockView, state: string): string => {
    const due_ms = Date.parse(clock.due_at);
    if (state === 'met') return said_.met(format.span(Date.parse(clock.met_at ?? '') - Date.parse(clock.started_at)));
    if (state === 'late') return said_.late(format.span(Date.parse(clock.met_at ?? '') - due_ms));
    if (state === 'breached') return said_.breached(format.span(now_ms - due_ms));
    return state === 'stopped' ? said_.stopped : said_.pending(format.when(clock.due_at));
  };
  return (
    <ol className="stage-line" aria-label={said_.stages} data-testid="stages">
      {clocks.map((clock) => {
        const isOver = clock.state === 'pending' && now_ms >= Date.parse(clock.due_at);
        const state = isOver ? 'breached' : clock.state;
        return (
          <li key={clock.stage} className={`stage-${state}`} aria-current={clock.stage === current ? 'step' : undefined} title={format.dateTime(clock.due_at)} data-stage={clock.stage} data-state={state}>
            <svg className="icon" viewBox="0 0 16 16" width="12" height="12" aria-hidden>
              <path d={SHAPES[state] ?? SHAPES.pending} fill="none" stroke="currentColor" strokeWidth="1.800" strokeLinecap="round" strokeLinejoin="round" />
            </svg>
            <b>{said(w.common.stage, clock.stage)}</b> {word(clock, state)}
          </li>
        );
      })}
    </ol>
  );
}
