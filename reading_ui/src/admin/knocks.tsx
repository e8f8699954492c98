/** Devices that called and that nobody has registered: one click and a site, and they may send. */
import { useState } from 'react';

import { admin as api } from '../api/endpoints';
import type { KnockView } from '../api/types';
import { useLive } from '../app/live';
import { useAction, useResource } from '../app/resource';
import { CheckField, TextField } from '../parts/field';
import { Note, ProblemNote } from '../parts/notes';
import { useFormat } from '../words';
import { ModalityChoice, SiteChoice } from './choices';
import { FormDialog } from './form_dialog';
import { Table } from './table';
import { useAdminWords } from './use_words';

export function KnocksSection() {
  const a = useAdminWords();
  const format = useFormat();
  const knocks = useResource(api.knocks, 'knocks');
  useLive((event) => event.kind === 'knock', knocks.reload);
  const [accepting, setAccepting] = useState<KnockView | null>(null);
  const dismiss = useAction(async (id: string) => {
    await api.dismissKnock(id);
    knocks.reload();
  });
  return (
    <>
      <Note tone="plain">{a.knocksHint}</Note>
      <ProblemNote problem={dismiss.problem} />
      <Table
        label={a.sections.knocks}
        list={knocks}
        idOf={(knock) => knock.id}
        nothing={a.knocksNone}
        columns={[
          { title: a.aeTitle, cell: (knock) => <b>{knock.ae_title}</b> },
          { title: a.address, cell: (knock) => knock.address },
          { title: a.firstAt, cell: (knock) => format.when(knock.first_at) },
          { title: a.lastAt, cell: (knock) => format.when(knock.last_at) },
          { title: a.tries, cell: (knock) => format.number(knock.count), isNumber: true },
          { title: a.inInbox, cell: (knock) => format.number(knock.inbox_studies), isNumber: true },
          {
            title: a.actions,
            cell: (knock) => (
              <span className="row-acts">
                <button type="button" className="button primary" onClick={() => { setAccepting(knock); }} data-testid="accept-knock">
                  {a.accept}
                </button>
                <button type="button" className="button" disabled={dismiss.isBusy} onClick={() => { void dismiss.run(knock.id); }}>
                  {a.dismiss}
                </button>
              </span>
            ),
          },
        ]}
      />
      {accepting !== null && <AcceptDialog key={accepting.id} knock={accepting} onClose={() => { setAccepting(null); }} onSaved={knocks.reload} />}
    </>
  );
}

function AcceptDialog({ knock, onClose, onSaved }: { knock: KnockView; onClose: () => void; onSaved: () => void }) {
  const a = useAdminWords();
  const sites = useResource(api.sites, 'sites');
  const [site, setSite] = useState('');
  const [name, setName] = useState(knock.ae_title);
  const [modality, setModality] = useState('');
  const [isAnyAddress, setAnyAddress] = useState(false);
  return (
    <FormDialog
      title={a.acceptTitle(knock.ae_title)}
      confirm={a.accept}
      save={() => api.acceptKnock(knock.id, { site_id: site, name, modality, is_any_address: isAnyAddress })}
      onClose={onClose}
      onSaved={onSaved}
    >
      {knock.inbox_studies > 0 && <Note tone="plain">{a.inInboxHint(knock.inbox_studies)}</Note>}
      <SiteChoice sites={sites.data ?? []} value={site} onChange={setSite} />
      <TextField label={a.name} required value={name} onChange={(event) => { setName(event.target.value); }} />
      <ModalityChoice value={modality} onChange={setModality} />
      <CheckField label={`${a.isAnyAddress} (${knock.address})`} checked={isAnyAddress} onChange={(event) => { setAnyAddress(event.target.checked); }} />
    </FormDialog>
  );
}
