/** Sealed studies with their manifests, and deletions on their way from one administrator to another. */
import { useState } from 'react';

import { keeping as api } from '../api/endpoints';
import type { DeletionView, HoldView } from '../api/types';
import type { Resource } from '../app/resource';
import { useSession } from '../app/session';
import { CheckField } from '../parts/field';
import { Note } from '../parts/notes';
import { said, useFormat, useWords } from '../words';
import { useRoomWords } from '../words/language';
import { FormDialog } from './form_dialog';
import { ReasonForm, TwoLines } from './keeping_studies';
import { Table } from './table';
import { useAdminWords } from './use_words';
import * as words from './words_keeping';

export function Holds({ holds }: { holds: Resource<HoldView[]> }) {
  const w = useWords();
  const a = useAdminWords();
  const k = useRoomWords(words);
  const format = useFormat();
  const [isAll, setAll] = useState(false);
  const [releasing, setReleasing] = useState<HoldView | null>(null);
  const list = { ...holds, data: holds.data?.filter((hold) => isAll || hold.released_at === null) ?? null };
  return (
    <section className="keeping-part">
      <h2>{k.holds}</h2>
      <CheckField label={k.showReleased} checked={isAll} onChange={(event) => { setAll(event.target.checked); }} data-testid="show-released" />
      <Table
        label={k.holds}
        list={list}
        idOf={(hold) => hold.id}
        nothing={k.holdsNone}
        columns={[
          { title: k.examination, cell: (hold) => <code className="keeping-uid">{hold.study_instance_uid || hold.study_id}</code> },
          { title: k.demandedBy, cell: (hold) => <b>{hold.demanded_by}</b> },
          { title: k.reason, cell: (hold) => <span className="keeping-standing">{hold.reason}</span> },
          { title: k.placedBy, cell: (hold) => <TwoLines first={hold.placed_by} second={format.when(hold.placed_at)} /> },
          {
            title: a.actions,
            cell: (hold) => (
              <span className="row-acts">
                <a className="button" href={api.manifestUrl(hold.id)} download data-testid="manifest" title={`SHA-256 ${hold.manifest_sha256}`}>
                  {k.manifest}
                </a>
                {hold.released_at === null ? (
                  <button type="button" className="button" onClick={() => { setReleasing(hold); }} data-testid="release">
                    {k.release}
                  </button>
                ) : (
                  <span className="secondary">{k.released(hold.released_by, format.when(hold.released_at))}</span>
                )}
              </span>
            ),
          },
        ]}
      />
      {releasing !== null && (
        <ReasonForm key={releasing.id} title={k.releaseTitle} hint={k.releaseHint} confirm={k.release} label={w.common.reasonNeeded} save={(reason) => api.release(releasing.id, { reason })} onClose={() => { setReleasing(null); }} onSaved={holds.reload} />
      )}
    </section>
  );
}

export function Deletions({ deletions, waitDays }: { deletions: Resource<DeletionView[]>; waitDays: number }) {
  const w = useWords();
  const a = useAdminWords();
  const k = useRoomWords(words);
  const format = useFormat();
  const { session } = useSession();
  const [act, setAct] = useState<{ kind: 'approve' | 'withdraw'; deletion: DeletionView } | null>(null);
  const close = (): void => { setAct(null); };
  return (
    <section className="keeping-part">
      <h2>{k.deletions}</h2>
      <Table
        label={k.deletions}
        list={deletions}
        idOf={(deletion) => deletion.id}
        nothing={k.deletionsNone}
        columns={[
          { title: k.examination, cell: (deletion) => <code className="keeping-uid">{deletion.study_instance_uid}</code> },
          { title: a.state, cell: (deletion) => <b data-testid="deletion-state">{said(k.states, deletion.state)}</b> },
          { title: k.reason, cell: (deletion) => <span className="keeping-standing">{[deletion.reason, said(k.obstacles, deletion.note)].filter((part) => part !== '').join(' · ')}</span> },
          { title: k.askedBy, cell: (deletion) => <TwoLines first={deletion.asked_by} second={format.when(deletion.asked_at)} /> },
          { title: k.approvedBy, cell: (deletion) => <TwoLines first={deletion.approved_by || '–'} second={deletion.approved_at === null ? '' : format.when(deletion.approved_at)} /> },
          { title: k.dueAt, cell: (deletion) => format.when(deletion.done_at ?? deletion.due_at) },
          { title: k.objects, cell: (deletion) => format.number(deletion.objects), isNumber: true },
          {
            title: a.actions,
            cell: (deletion) => (
              <span className="row-acts">
                {deletion.state === 'asked' &&
                  (deletion.asked_by_id === session.user_id ? (
                    <span className="secondary">{k.ownRequest}</span>
                  ) : (
                    <button type="button" className="button danger" onClick={() => { setAct({ kind: 'approve', deletion }); }} data-testid="approve-deletion">
                      {k.approve}
                    </button>
                  ))}
                {(deletion.state === 'asked' || deletion.state === 'approved') && (
                  <button type="button" className="button" onClick={() => { setAct({ kind: 'withdraw', deletion }); }} data-testid="withdraw-deletion">
                    {k.withdraw}
                  </button>
                )}
              </span>
            ),
          },
        ]}
      />
      {act?.kind === 'approve' && (
        <FormDialog key={act.deletion.id} title={k.approveTitle} confirm={k.approve} save={() => api.approve(act.deletion.id)} onClose={close} onSaved={deletions.reload}>
          <Note tone="warning">{k.approveHint(act.deletion.asked_by, waitDays)}</Note>
          <p>{act.deletion.reason}</p>
          <code>{act.deletion.study_instance_uid}</code>
        </FormDialog>
      )}
      {act?.kind === 'withdraw' && (
        <ReasonForm key={act.deletion.id} title={k.withdrawTitle} hint={k.withdrawHint} confirm={k.withdraw} label={w.common.reasonNeeded} save={(reason) => api.withdraw(act.deletion.id, { reason })} onClose={close} onSaved={deletions.reload} />
      )}
    </section>
  );
}
