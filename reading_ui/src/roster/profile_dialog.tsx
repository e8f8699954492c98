/** What one reader can read: everything that is left open restricts nothing. */
import { useState } from 'react';

import { readers as api } from '../api/roster';
import type { ReaderView, SiteView } from '../api/types';
import { CheckField, SelectField, TextField } from '../parts/field';
import { RosterForm } from './form';
import { useRosterWords } from './use_words';

interface ProfileDialogProps {
  reader: ReaderView;
  sites: SiteView[];
  onClose: () => void;
  onDone: () => void;
}

export function ProfileDialog({ reader, sites, onClose, onDone }: ProfileDialogProps) {
  const r = useRosterWords();
  const known = reader.profile;
  const [form, setForm] = useState({
    grade: known?.grade ?? (reader.may_review ? 'review' : 'write'), modalities: known?.modalities.join(' ') ?? '', body_parts: known?.body_parts.join(' ') ?? '',
    reads_ecg: known?.reads_ecg ?? true, max_open: String(known?.max_open ?? 0), home_site_id: known?.home_site_id ?? '', site_ids: known?.site_ids ?? [],
  });
  const set = (change: Partial<typeof form>): void => { setForm({ ...form, ...change }); };
  const save = () =>
    api.setProfile(reader.user_id, {
      grade: form.grade, modalities: words(form.modalities), body_parts: words(form.body_parts), reads_ecg: form.reads_ecg,
      site_ids: form.site_ids, max_open: Number(form.max_open), home_site_id: form.home_site_id,
    });
  return (
    <RosterForm
      title={r.profileTitle(reader.name)}
      confirm={r.save}
      save={save}
      aside={known === null ? null : { label: r.dropProfile, act: () => api.dropProfile(reader.user_id) }}
      onClose={onClose}
      onDone={onDone}
    >
      <SelectField label={r.grade} value={form.grade} onChange={(event) => { set({ grade: event.target.value }); }} data-testid="profile-grade">
        <option value="write">{r.grades.write}</option>
        <option value="review">{r.grades.review}</option>
      </SelectField>
      <TextField label={r.modalities} hint={r.listHint} placeholder="DX CT MR US" value={form.modalities} onChange={(event) => { set({ modalities: event.target.value }); }} data-testid="profile-modalities" />
      <TextField label={r.bodyParts} hint={r.listHint} placeholder="CHEST HEAD" value={form.body_parts} onChange={(event) => { set({ body_parts: event.target.value }); }} />
      <CheckField label={r.readsEcg} checked={form.reads_ecg} onChange={(event) => { set({ reads_ecg: event.target.checked }); }} />
      <TextField label={r.maxOpen} hint={r.maxHint} type="number" min={0} max={1000} required value={form.max_open} onChange={(event) => { set({ max_open: event.target.value }); }} />
      <SelectField label={r.home} value={form.home_site_id} onChange={(event) => { set({ home_site_id: event.target.value }); }}>
        <option value="" />
        {sites.map((site) => (
          <option key={site.id} value={site.id}>
            {site.name}
          </option>
        ))}
      </SelectField>
      <fieldset className="roster-sites">
        <legend>
          {r.sites} <span className="secondary">{form.site_ids.length === 0 ? r.all : ''}</span>
        </legend>
        {sites.filter((site) => site.id !== 'inbox').map((site) => (
          <CheckField
            key={site.id}
            label={site.name}
            checked={form.site_ids.includes(site.id)}
            onChange={(event) => { set({ site_ids: event.target.checked ? [...form.site_ids, site.id] : form.site_ids.filter((one) => one !== site.id) }); }}
          />
        ))}
      </fieldset>
    </RosterForm>
  );
}

function words(text: string): string[] {
  return text.split(/[\s,，、;；]+/u).filter((word) => word !== '');
}
