/** Hospital and clinic systems that may send HL7 v2, and the site that each speaks for. */
import { useState } from 'react';

import { admin as api, partners as partnersApi } from '../api/endpoints';
import type { Hl7PartnerView } from '../api/types';
import { useResource } from '../app/resource';
import { CheckField, TextField } from '../parts/field';
import { Note } from '../parts/notes';
import { useWords } from '../words';
import { SiteChoice, siteName } from './choices';
import { EditableTable } from './editable_table';
import { FormDialog } from './form_dialog';
import { useAdminWords } from './use_words';

export function PartnersSection() {
  const a = useAdminWords();
  const partners = useResource(partnersApi.all, 'partners');
  const sites = useResource(api.sites, 'sites');
  return (
    <EditableTable
      label={a.sections.partners}
      list={partners}
      columns={[
        { title: a.name, cell: (partner) => <b>{partner.name}</b> },
        { title: a.facility, cell: (partner) => <code>{partner.facility}</code> },
        { title: a.application, cell: (partner) => <code>{partner.application}</code> },
        { title: a.site, cell: (partner) => siteName(sites.data, partner.site_id) },
        { title: a.partnerCharacterSet, cell: (partner) => partner.character_set },
        { title: a.state, cell: (partner) => (partner.is_enabled ? a.enabled : a.disabled) },
      ]}
      form={(partner, onClose) => <PartnerDialog partner={partner} onClose={onClose} onSaved={partners.reload} />}
    >
      <Note tone="plain">{a.partnersHint}</Note>
    </EditableTable>
  );
}

function PartnerDialog({ partner, onClose, onSaved }: { partner: Hl7PartnerView | null; onClose: () => void; onSaved: () => void }) {
  const w = useWords();
  const a = useAdminWords();
  const sites = useResource(api.sites, 'sites');
  const [form, setForm] = useState({
    name: partner?.name ?? '',
    facility: partner?.facility ?? '',
    application: partner?.application ?? '',
    site_id: partner?.site_id ?? '',
    character_set: partner?.character_set ?? 'UTF-8',
    is_enabled: partner?.is_enabled ?? true,
  });
  const set = (change: Partial<typeof form>): void => { setForm({ ...form, ...change }); };
  return (
    <FormDialog
      title={partner === null ? a.addPartner : partner.name}
      confirm={w.common.save}
      save={() => (partner === null ? partnersApi.add(form) : partnersApi.change(partner.id, form))}
      onClose={onClose}
      onSaved={onSaved}
    >
      <TextField label={a.name} required value={form.name} onChange={(event) => { set({ name: event.target.value }); }} data-testid="partner-name" />
      {partner === null && (
        <>
          <TextField label={a.facility} hint={a.facilityHint} required maxLength={227} value={form.facility} onChange={(event) => { set({ facility: event.target.value }); }} data-testid="partner-facility" />
          <TextField label={a.application} hint={a.applicationHint} maxLength={227} value={form.application} onChange={(event) => { set({ application: event.target.value }); }} />
        </>
      )}
      <SiteChoice sites={sites.data ?? []} value={form.site_id} onChange={(site_id) => { set({ site_id }); }} />
      <TextField label={a.partnerCharacterSet} hint={a.partnerCharacterSetHint} value={form.character_set} onChange={(event) => { set({ character_set: event.target.value }); }} />
      <CheckField label={a.enabled} checked={form.is_enabled} onChange={(event) => { set({ is_enabled: event.target.checked }); }} />
    </FormDialog>
  );
}
