/** The member sites of the alliance. */
import { useState } from 'react';

import { admin as api } from '../api/endpoints';
import { useResource } from '../app/resource';
import { SelectField, TextField } from '../parts/field';
import { said, useWords } from '../words';
import { FormDialog } from './form_dialog';
import { Table } from './table';

const KINDS = ['township', 'village', 'hospital', 'centre'];

export function SitesSection() {
  const w = useWords();
  const sites = useResource(api.sites, 'sites');
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <div className="section-acts">
        <button type="button" className="button primary" onClick={() => { setOpen(true); }}>
          {w.admin.add}
        </button>
      </div>
      <Table
        label={w.admin.sections.sites}
        list={sites}
        idOf={(site) => site.id}
        nothing={w.admin.nothing}
        columns={[
          { title: w.admin.name, cell: (site) => <b>{site.name}</b> },
          { title: w.admin.nameEn, cell: (site) => site.name_en },
          { title: w.admin.code, cell: (site) => <code>{site.id}</code> },
          { title: w.admin.kind, cell: (site) => said(w.admin.siteKinds, site.kind) },
          { title: w.admin.phone, cell: (site) => site.phone },
          { title: w.admin.state, cell: (site) => (site.is_enabled ? w.admin.enabled : w.admin.disabled) },
        ]}
      />
      {isOpen && <SiteDialog onClose={() => { setOpen(false); }} onSaved={sites.reload} />}
    </>
  );
}

function SiteDialog({ onClose, onSaved }: { onClose: () => void; onSaved: () => void }) {
  const w = useWords();
  const [form, setForm] = useState({ id: '', name: '', name_en: '', kind: 'township', phone: '', is_enabled: true });
  const set = (change: Partial<typeof form>): void => { setForm({ ...form, ...change }); };
  return (
    <FormDialog title={w.admin.addSite} confirm={w.common.save} save={() => api.addSite(form)} onClose={onClose} onSaved={onSaved}>
      <TextField label={w.admin.code} hint={w.admin.codeHint} required pattern="[a-z0-9\-]{2,32}" value={form.id} onChange={(event) => { set({ id: event.target.value }); }} />
      <TextField label={w.admin.name} required value={form.name} onChange={(event) => { set({ name: event.target.value }); }} />
      <TextField label={w.admin.nameEn} value={form.name_en} onChange={(event) => { set({ name_en: event.target.value }); }} />
      <SelectField label={w.admin.kind} value={form.kind} onChange={(event) => { set({ kind: event.target.value }); }}>
        {KINDS.map((kind) => (
          <option key={kind} value={kind}>
            {said(w.admin.siteKinds, kind)}
          </option>
        ))}
      </SelectField>
      <TextField label={w.admin.phone} type="tel" value={form.phone} onChange={(event) => { set({ phone: event.target.value }); }} />
    </FormDialog>
  );
}
