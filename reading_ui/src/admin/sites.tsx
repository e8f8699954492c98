/** The member sites of the alliance. */
import { useState } from 'react';

import { admin as api } from '../api/endpoints';
import type { SiteView } from '../api/types';
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
      columns={[
        { title: a.name, cell: (site) => <b>{site.name}</b> },
        { title: a.nameEn, cell: (site) => site.name_en },
        { title: a.code, cell: (site) => <code>{site.id}</code> },
        { title: a.kind, cell: (site) => said(a.siteKinds, site.kind) },
        { title: a.tier, cell: (site) => (site.tier === 0 ? '' : said(a.tiers, String(site.tier))) },
        { title: a.distance, isNumber: true, cell: (site) => (site.distance_km === null ? '' : String(site.distance_km)) },
        { title: a.link, cell: (site) => said(a.links, site.link_class) },
        { title: a.phone, cell: (site) => site.phone },
        { title: a.state, cell: (site) => (site.is_enabled ? a.enabled : a.disabled) },
      ]}
      form={(site, onClose) => <SiteDialog site={site} onClose={onClose} onSaved={sites.reload} />}
    />
  );
}

function SiteDialog({ site, onClose, onSaved }: { site: SiteView | null; onClose: () => void; onSaved: () => void }) {
  const w = useWords();
  const a = useAdminWords();
  const [form, setForm] = useState<SiteView>(site ?? { id: '', name: '', name_en: '', kind: 'township', phone: '', is_enabled: true, tier: 0, distance_km: null, link_class: '' });
  const set = (change: Partial<typeof form>): void => { setForm({ ...form, ...change }); };
  return (
    <FormDialog title={site === null ? a.addSite : a.changeSite} confirm={w.common.save} save={() => (site === null ? api.addSite(form) : api.changeSite(form))} onClose={onClose} onSaved={onSaved}>
      <TextField label={a.code} hint={a.codeHint} required pattern="[a-z0-9\-]{2,32}" disabled={site !== null} value={form.id} onChange={(event) => { set({ id: event.target.value }); }} />
      <TextField label={a.name} required value={form.name} onChange={(event) => { set({ name: event.target.value }); }} />
      <TextField label={a.nameEn} value={form.name_en} onChange={(event) => { set({ name_en: event.target.value }); }} />
      <SelectField label={a.kind} disabled={site !== null} value={form.kind} onChange={(event) => { set({ kind: event.target.value }); }}>
        {KINDS.map((kind) => (
          <option key={kind} value={kind}>
            {said(a.siteKinds, kind)}
          </option>
        ))}
      </SelectField>
      <TextField label={a.phone} type="tel" value={form.phone} onChange={(event) => { set({ phone: event.target.value }); }} />
      <SelectField label={a.tier} value={String(form.tier)} onChange={(event) => { set({ tier: Number(event.target.value) }); }}>
        {Object.entries(a.tiers).map(([tier, word]) => (
          <option key={tier} value={tier}>
            {word}
          </option>
        ))}
      </SelectField>
      <TextField label={a.distance} type="number" min={0} max={5000} step="any" value={form.distance_km === null ? '' : String(form.distance_km)} onChange={(event) => { set({ distance_km: event.target.value === '' ? null : Number(event.target.value) }); }} />
      <SelectField label={a.link} value={form.link_class} onChange={(event) => { set({ link_class: event.target.value }); }}>
        {Object.entries(a.links).map(([link, word]) => (
          <option key={link} value={link}>
            {word}
          </option>
        ))}
      </SelectField>
    </FormDialog>
  );
}
