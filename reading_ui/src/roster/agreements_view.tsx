/** Agreements between sites on remote reading, with the day on which each ends. */
import { useState } from 'react';

import { admin } from '../api/endpoints';
import { agreements as api } from '../api/roster';
import type { AgreementView, SiteView } from '../api/types';
import { Table } from '../admin/table';
import { useResource } from '../app/resource';
import { SelectField, TextField } from '../parts/field';
import { Note } from '../parts/notes';
import { said, useFormat } from '../words';
import { RosterForm } from './form';
import { useRosterWords } from './use_words';

const NEW = 'new';

export function AgreementsView({ isAdmin }: { isAdmin: boolean }) {
  const r = useRosterWords();
  const format = useFormat();
  const list = useResource(api.all, 'agreements');
  const sites = useResource<SiteView[]>((signal) => (isAdmin ? admin.sites(signal) : Promise.resolve([])), 'sites');
  const [open, setOpen] = useState<AgreementView | typeof NEW | null>(null);
  const late = list.data?.filter((one) => one.state === 'ended' || one.state === 'ending').length ?? 0;
  return (
    <div className="roster-agreements">
      {late > 0 && <Note tone="warning">{r.ended(late)}</Note>}
      {isAdmin && (
        <div className="section-acts">
          <button type="button" className="button primary" onClick={() => { setOpen(NEW); }} data-testid="add-agreement">
            {r.addAgreement}
          </button>
        </div>
      )}
      <Table
        label={r.tabs.agreements}
        list={list}
        idOf={(one) => one.id}
        nothing={r.nothing}
        columns={[
          { title: r.requesting, cell: (one) => <b>{one.requesting_site_name}</b> },
          { title: r.reading, cell: (one) => one.reading_site_name },
          { title: r.document, cell: (one) => one.document_number || r.none },
          { title: r.validFrom, cell: (one) => format.date(one.valid_from) },
          { title: r.validUntil, cell: (one) => (one.valid_until === null ? r.open_ended : format.date(one.valid_until)) },
          { title: r.state, cell: (one) => <span className={`badge agreement-${one.state}`}>{said(r.agreementStates, one.state)}</span> },
          { title: r.note, cell: (one) => <span className="wrap">{one.note}</span> },
          ...(isAdmin
            ? [{
                title: '',
                cell: (one: AgreementView) => (
                  <button type="button" className="button" onClick={() => { setOpen(one); }}>
                    {r.change}
                  </button>
                ),
              }]
            : []),
        ]}
      />
      {open !== null && <AgreementDialog agreement={open === NEW ? null : open} sites={sites.data ?? []} onClose={() => { setOpen(null); }} onDone={list.reload} />}
    </div>
  );
}

function AgreementDialog({ agreement, sites, onClose, onDone }: { agreement: AgreementView | null; sites: SiteView[]; onClose: () => void; onDone: () => void }) {
  const r = useRosterWords();
  const [form, setForm] = useState({
    requesting_site_id: agreement?.requesting_site_id ?? '', reading_site_id: agreement?.reading_site_id ?? '', document_number: agreement?.document_number ?? '',
    valid_from: agreement?.valid_from ?? '', valid_until: agreement?.valid_until ?? '', note: agreement?.note ?? '',
  });
  const set = (change: Partial<typeof form>): void => { setForm({ ...form, ...change }); };
  const save = () => {
    const body = { ...form, valid_until: form.valid_until === '' ? null : form.valid_until, revision: agreement?.revision ?? 0 };
    return agreement === null ? api.add(body) : api.change(agreement.id, body);
  };
  const choices = sites.filter((site) => site.id !== 'inbox').map((site) => (
    <option key={site.id} value={site.id}>
      {site.name}
    </option>
  ));
  return (
    <RosterForm title={agreement === null ? r.addAgreement : r.changeAgreement} confirm={r.save} save={save} onClose={onClose} onDone={onDone}>
      <SelectField label={r.requesting} required value={form.requesting_site_id} onChange={(event) => { set({ requesting_site_id: event.target.value }); }} data-testid="agreement-requesting">
        <option value="" />
        {choices}
      </SelectField>
      <SelectField label={r.reading} required value={form.reading_site_id} onChange={(event) => { set({ reading_site_id: event.target.value }); }} data-testid="agreement-reading">
        <option value="" />
        {choices}
      </SelectField>
      <TextField label={r.document} maxLength={100} value={form.document_number} onChange={(event) => { set({ document_number: event.target.value }); }} data-testid="agreement-number" />
      <div className="roster-times">
        <TextField label={r.validFrom} type="date" required value={form.valid_from} onChange={(event) => { set({ valid_from: event.target.value }); }} data-testid="agreement-from" />
        <TextField label={r.validUntil} hint={r.untilHint} type="date" min={form.valid_from} value={form.valid_until} onChange={(event) => { set({ valid_until: event.target.value }); }} data-testid="agreement-until" />
      </div>
      <TextField label={r.note} maxLength={500} value={form.note} onChange={(event) => { set({ note: event.target.value }); }} />
    </RosterForm>
  );
}
