/** Swaps that concern me: what I was asked, what I asked, and as a head what waits for my word. */
import { useState } from 'react';

import { roster as api } from '../api/roster';
import type { RosterView, SwapView } from '../api/types';
import { useAction } from '../app/resource';
import { ReasonDialog } from '../parts/reason_dialog';
import { said } from '../words';
import { RosterProblem } from './problem';
import { useRosterWords } from './use_words';

export function SwapList({ data, onDone }: { data: RosterView; onDone: () => void }) {
  const r = useRosterWords();
  const [refused, setRefused] = useState<SwapView | null>(null);
  const action = useAction(async (act: () => Promise<unknown>) => {
    await act();
    onDone();
  });
  const refuse = useAction(async (reason: string) => {
    if (refused !== null) await api.answerSwap(refused.id, { agrees: false, reason });
    onDone();
  });
  const name = (text: string): string => (text === '' ? r.unknownPerson : text);
  return (
    <section className="roster-swaps" aria-label={r.swaps} data-testid="swaps">
      <h2>{r.swaps}</h2>
      {data.swaps.length === 0 && <p className="secondary">{r.swapNone}</p>}
      <RosterProblem problem={action.problem} />
      <ul>
        {data.swaps.map((swap) => (
          <li key={swap.id} data-testid="swap" data-state={swap.state}>
            <b>{r.swapLine(name(swap.from_name), name(swap.to_name))}</b>
            <span className="secondary">{said(r.swapStates, swap.state)}</span>
            {swap.note !== '' && <span>{swap.note}</span>}
            {swap.reason !== '' && <span className="secondary">{swap.reason}</span>}
            {(swap.may_answer || swap.may_withdraw) && (
              <span className="row-acts">
                {swap.may_answer && (
                  <>
                    <button type="button" className="button" disabled={action.isBusy} onClick={() => { void action.run(() => api.answerSwap(swap.id, { agrees: true, reason: '' })); }} data-testid="swap-agree">
                      {swap.state === 'agreed' ? r.approve : r.agree}
                    </button>
                    <button type="button" className="button" onClick={() => { setRefused(swap); }}>
                      {r.refuse}
                    </button>
                  </>
                )}
                {swap.may_withdraw && (
                  <button type="button" className="button" disabled={action.isBusy} onClick={() => { void action.run(() => api.withdrawSwap(swap.id)); }}>
                    {r.withdraw}
                  </button>
                )}
              </span>
            )}
          </li>
        ))}
      </ul>
      {refused !== null && <ReasonDialog title={r.refuseTitle} hint={r.refuseHint} confirm={r.refuse} action={refuse} onClose={() => { setRefused(null); }} />}
    </section>
  );
}
