/** The member sites of the alliance. */
import { useState } from 'react';

import { admin as api } from '../api/endpoints';
import { useResource } from '../app/resource';
import { SelectField, TextField } from '../parts/field';
import { said, useWords } from '../words';
import { EditableTable } from './editable_table';
import { FormDialog } from './form_dialog';
import { useAdminWords } from './use_words';

const KINDS = ['township', 'village', 'hospital', 'centre'];

export function SitesSection() {
  const a = useAdminWords();
  const sites = useResource(api.sites, 'sites');
  return (
    <EditableTable
      label={a.sections.sites}
      list={sites}
      canChange={false}
      columns={[
        { title: a.name, cell: (site) => <b>{site.name}</b> },
        { title: a.nameEn, cell: (site) => site.name_en },
        { title: a.code, cell: (site) => <code>{site.id}</code> },
        { title: a.kind, cell: (site) => said(a.siteKinds, site.kind) },
        { title: a.phone, cell: (site) => site.phone },
        { title: a.state, cell: (site) => (site.is_enabled ? a.enabled : a.disabled) },
      ]}
      form={(_site, onClose) => <SiteDialog onClose={onClose} onSaved={sites.reload} />}
    />
  );
}

function SiteDialog({ onClose, onSaved }: { onClose: () => void; onSaved: () => void }) {
  const w = useWords();
  const a = useAdminWords();
  const [form, setForm] = useState({ id: '', name: '', name_en: '', kind: 'township', phone: '', is_enabled: true });
  const set = (change: Partial<typeof form>): void => { setForm({ ...form, ...change }); };
  return (
    <FormDialog title={a.addSite} confirm={w.common.save} save={() => api.addSite(form)} onClose={onClose} onSaved={onSaved}>
      <TextField label={a.code} hint={a.codeHint} required pattern="[a-z0-9\-]{2,32}" value={form.id} onChange={(event) => { set({ id: event.target.value }); }} />
      <TextField label={a.name} required value={form.name} onChange={(event) => { set({ name: event.target.value }); }} />
      <TextField label={a.nameEn} value={form.name_en} onChange={(event) => { set({ name_en: event.target.value }); }} />
      <SelectField label={a.kind} value={form.kind} onChange={(event) => { set({ kind: event.target.value }); }}>
        {KINDS.map((kind) => (
          <option key={kind} value={kind}>
            {said(a.siteKinds, kind)}
          </option>
        ))}
      </SelectField>
      <TextField label={a.phone} type="tel" value={form.phone} onChange={(event) => { set({ phone: event.target.value }); }} />
    </FormDialog>
  );
}
