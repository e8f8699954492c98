/** "I am present, away, off": going off says first what will be handed back. */
import { useState } from 'react';

import { readers as api } from '../api/roster';
import { useAnnounce } from '../app/announcer';
import { useAction, useResource } from '../app/resource';
import { AppDialog } from '../parts/dialog';
import { RosterProblem } from './problem';
import { useRosterWords } from './use_words';

const CHOICES = ['present', 'away', 'off'] as const;

export function PresenceBar() {
  const r = useRosterWords();
  const announce = useAnnounce();
  const all = useResource(api.all, 'readers');
  const [isLeaving, setLeaving] = useState(false);
  const me = all.data?.find((reader) => reader.is_me) ?? null;
  const action = useAction(async (presence: string) => {
    const done = await api.say(presence);
    announce(presence === 'off' ? r.handedOver(done.handed_over) : (r.presence[presence] ?? presence));
    setLeaving(false);
    all.reload();
  });
  if (me === null) return null;
  return (
    <div className="roster-presence" role="group" aria-label={r.mine}>
      <span className="secondary">{r.mine}</span>
      {CHOICES.map((choice) => (
        <button
          key={choice}
          type="button"
          className="button"
          aria-pressed={me.presence === choice}
          data-testid={`presence-${choice}`}
          disabled={action.isBusy}
          onClick={() => {
            if (choice === 'off') setLeaving(true);
            else void action.run(choice);
          }}
        >
          {r.presence[choice]}
        </button>
      ))}
      {isLeaving && (
        <AppDialog title={r.offTitle} onClose={() => { setLeaving(false); }} testId="off-dialog">
          <p>{r.offHint(me.open_count)}</p>
          <RosterProblem problem={action.problem} />
          <footer>
            <button type="button" className="button" onClick={() => { setLeaving(false); }}>
              {r.cancel}
            </button>
            <button type="button" className="button primary" disabled={action.isBusy} onClick={() => { void action.run('off'); }} data-testid="off-now">
              {r.offNow}
            </button>
          </footer>
        </AppDialog>
      )}
    </div>
  );
}
