/** One device: who it is, where it calls from, and what the other services need to know of it. */
import { useState } from 'react';

import { admin as api } from '../api/endpoints';
import type { DeviceRequest, DeviceView, ShownCertificate } from '../api/types';
import { useResource } from '../app/resource';
import { AreaField, CheckField, TextField } from '../parts/field';
import { useFormat, useWords } from '../words';
import { useRoomWords } from '../words/language';
import { ModalityChoice, SiteChoice } from './choices';
import { FormDialog } from './form_dialog';
import { useAdminWords } from './use_words';
import * as words from './words_origins';

export function DeviceDialog({ device, onClose, onSaved }: { device: DeviceView | null; onClose: () => void; onSaved: () => void }) {
  const w = useWords();
  const a = useAdminWords();
  const o = useRoomWords(words);
  const sites = useResource(api.sites, 'sites');
  const [form, setForm] = useState(() => formOf(device));
  const set = (change: Partial<typeof form>): void => { setForm({ ...form, ...change }); };
  const body = requestOf(form);
  return (
    <FormDialog
      title={device === null ? a.addDevice : device.name}
      confirm={w.common.save}
      save={() => (device === null ? api.addDevice(body) : api.changeDevice(device.id, body))}
      onClose={onClose}
      onSaved={onSaved}
    >
      <div className="form-columns">
        <SiteChoice sites={sites.data ?? []} value={form.site_id} onChange={(site_id) => { set({ site_id }); }} />
        <TextField label={a.name} required value={form.name} onChange={(event) => { set({ name: event.target.value }); }} />
        <TextField label={a.aeTitle} required maxLength={16} value={form.ae_title} onChange={(event) => { set({ ae_title: event.target.value }); }} />
        <ModalityChoice value={form.modality} onChange={(modality) => { set({ modality }); }} />
        <TextField label={a.address} hint={a.addressHint} value={form.address} onChange={(event) => { set({ address: event.target.value }); }} />
        <TextField label={o.port} hint={o.portHint} type="number" min={0} max={65535} value={form.port} onChange={(event) => { set({ port: event.target.value }); }} data-testid="device-port" />
        <TextField label={a.characterSet} hint={a.characterSetHint} value={form.character_set} onChange={(event) => { set({ character_set: event.target.value }); }} />
        <TextField label={o.answerCharacterSet} hint={o.answerCharacterSetHint} value={form.answer_character_set} onChange={(event) => { set({ answer_character_set: event.target.value }); }} />
        <TextField label={o.maxAssociations} hint={o.maxAssociationsHint} type="number" min={0} value={form.max_associations} onChange={(event) => { set({ max_associations: event.target.value }); }} />
        <TextField label={o.quietPeriod} hint={o.quietPeriodHint} type="number" min={0} step="any" value={form.quiet_period_s} onChange={(event) => { set({ quiet_period_s: event.target.value }); }} />
      </div>
      <AreaField label={o.certificate} hint={o.certificateHint} rows={2} spellCheck={false} value={form.certificate_sha256} onChange={(event) => { set({ certificate_sha256: event.target.value }); }} data-testid="device-certificate" />
      {device?.shown_certificate != null && (
        <Shown shown={device.shown_certificate} isTaken={form.certificate_sha256 === device.shown_certificate.sha256} onTake={(certificate_sha256) => { set({ certificate_sha256 }); }} />
      )}
      <CheckField label={o.usesTls} checked={form.uses_tls} onChange={(event) => { set({ uses_tls: event.target.checked }); }} data-testid="device-uses-tls" />
      <CheckField label={o.relay} checked={form.is_relay} onChange={(event) => { set({ is_relay: event.target.checked }); }} data-testid="device-relay" />
      <CheckField label={a.enabled} checked={form.is_enabled} onChange={(event) => { set({ is_enabled: event.target.checked }); }} />
    </FormDialog>
  );
}

function Shown({ shown, isTaken, onTake }: { shown: ShownCertificate; isTaken: boolean; onTake: (sha256: string) => void }) {
  const o = useRoomWords(words);
  const format = useFormat();
  return (
    <div className="shown-certificate" data-testid="shown-certificate">
      <div>
        <b>{o.shown}</b>
        <span>{shown.subject}</span>
        <code>{shown.sha256}</code>
        <span className="secondary">
          {o.shownAt(format.dateTime(shown.seen_at), shown.address)} · {o.shownUntil(format.dateTime(shown.not_after))}
          {!shown.is_admitted && ` · ${o.wasTurnedAway}`}
        </span>
      </div>
      <button type="button" className="button" disabled={isTaken} onClick={() => { onTake(shown.sha256); }}>
        {o.takeShown}
      </button>
    </div>
  );
}

function formOf(device: DeviceView | null) {
  return {
    site_id: device?.site_id ?? '',
    name: device?.name ?? '',
    ae_title: device?.ae_title ?? '',
    address: device?.address ?? '',
    modality: device?.modality ?? '',
    character_set: device?.character_set ?? '',
    is_enabled: device?.is_enabled ?? true,
    port: String(device?.port ?? 0),
    answer_character_set: device?.answer_character_set ?? '',
    certificate_sha256: device?.certificate_sha256 ?? '',
    max_associations: String(device?.max_associations ?? 0),
    quiet_period_s: device?.quiet_period_s == null ? '' : String(device.quiet_period_s),
    is_relay: device?.is_relay ?? false,
    uses_tls: device?.uses_tls ?? false,
  };
}

function requestOf(form: ReturnType<typeof formOf>): DeviceRequest {
  return {
    ...form,
    address: form.address.trim() || null,
    character_set: form.character_set.trim() || null,
    port: Number(form.port) || 0,
    max_associations: Number(form.max_associations) || 0,
    quiet_period_s: form.quiet_period_s.trim() === '' ? null : Number(form.quiet_period_s),
  };
}
