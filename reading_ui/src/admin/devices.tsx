/** The devices that may send, and what they call themselves. */
import { useState } from 'react';

import { admin as api } from '../api/endpoints';
import type { DeviceRequest, DeviceView } from '../api/types';
import { useResource } from '../app/resource';
import { CheckField, TextField } from '../parts/field';
import { useWords } from '../words';
import { ModalityChoice, SiteChoice, siteName } from './choices';
import { TextButton, TextSuggestions } from './device_text';
import { FormDialog } from './form_dialog';
import { Table } from './table';
import { useAdminWords } from './use_words';

const NEW = 'new';

export function DevicesSection() {
  const a = useAdminWords();
  const devices = useResource(api.devices, 'devices');
  const sites = useResource(api.sites, 'sites');
  const [open, setOpen] = useState<DeviceView | typeof NEW | null>(null);
  return (
    <>
      <div className="section-acts">
        <button type="button" className="button primary" onClick={() => { setOpen(NEW); }}>
          {a.add}
        </button>
      </div>
      <TextSuggestions onChanged={devices.reload} />
      <Table
        label={a.sections.devices}
        list={devices}
        idOf={(device) => device.id}
        nothing={a.nothing}
        columns={[
          { title: a.name, cell: (device) => <b>{device.name}</b> },
          { title: a.aeTitle, cell: (device) => device.ae_title },
          { title: a.site, cell: (device) => siteName(sites.data, device.site_id) },
          { title: a.address, cell: (device) => device.address ?? a.anyAddress },
          { title: a.modality, cell: (device) => device.modality },
          { title: a.characterSet, cell: (device) => device.character_set ?? '' },
          { title: a.state, cell: (device) => (device.is_enabled ? a.enabled : a.disabled) },
          {
            title: a.actions,
            cell: (device) => (
              <span className="row-acts">
                <button type="button" className="button" onClick={() => { setOpen(device); }}>
                  {a.change}
                </button>
                <TextButton deviceId={device.id} name={device.name} onChanged={devices.reload} />
              </span>
            ),
          },
        ]}
      />
      {open !== null && (
        <DeviceDialog key={open === NEW ? NEW : open.id} device={open === NEW ? null : open} onClose={() => { setOpen(null); }} onSaved={devices.reload} />
      )}
    </>
  );
}

function DeviceDialog({ device, onClose, onSaved }: { device: DeviceView | null; onClose: () => void; onSaved: () => void }) {
  const w = useWords();
  const a = useAdminWords();
  const sites = useResource(api.sites, 'sites');
  const [form, setForm] = useState({
    site_id: device?.site_id ?? '',
    name: device?.name ?? '',
    ae_title: device?.ae_title ?? '',
    address: device?.address ?? '',
    modality: device?.modality ?? '',
    character_set: device?.character_set ?? '',
    is_enabled: device?.is_enabled ?? true,
  });
  const set = (change: Partial<typeof form>): void => { setForm({ ...form, ...change }); };
  const body: DeviceRequest = { ...form, address: form.address.trim() || null, character_set: form.character_set.trim() || null };
  return (
    <FormDialog
      title={device === null ? a.addDevice : device.name}
      confirm={w.common.save}
      save={() => (device === null ? api.addDevice(body) : api.changeDevice(device.id, body))}
      onClose={onClose}
      onSaved={onSaved}
    >
      <SiteChoice sites={sites.data ?? []} value={form.site_id} onChange={(site_id) => { set({ site_id }); }} />
      <TextField label={a.name} required value={form.name} onChange={(event) => { set({ name: event.target.value }); }} />
      <TextField label={a.aeTitle} required maxLength={16} value={form.ae_title} onChange={(event) => { set({ ae_title: event.target.value }); }} />
      <TextField label={a.address} hint={a.addressHint} value={form.address} onChange={(event) => { set({ address: event.target.value }); }} />
      <ModalityChoice value={form.modality} onChange={(modality) => { set({ modality }); }} />
      <TextField label={a.characterSet} hint={a.characterSetHint} value={form.character_set} onChange={(event) => { set({ character_set: event.target.value }); }} />
      <CheckField label={a.enabled} checked={form.is_enabled} onChange={(event) => { set({ is_enabled: event.target.checked }); }} />
    </FormDialog>
  );
}
