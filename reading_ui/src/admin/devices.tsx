/** The devices that may send, and what they call themselves. */
import { useState } from 'react';

import { admin as api } from '../api/endpoints';
import type { DeviceRequest, DeviceView } from '../api/types';
import { useResource } from '../app/resource';
import { CheckField, TextField } from '../parts/field';
import { useWords } from '../words';
import { ModalityChoice, SiteChoice, siteName } from './choices';
import { FormDialog } from './form_dialog';
import { Table } from './table';

const NEW = 'new';

export function DevicesSection() {
  const w = useWords();
  const devices = useResource(api.devices, 'devices');
  const sites = useResource(api.sites, 'sites');
  const [open, setOpen] = useState<DeviceView | typeof NEW | null>(null);
  return (
    <>
      <div className="section-acts">
        <button type="button" className="button primary" onClick={() => { setOpen(NEW); }}>
          {w.admin.add}
        </button>
      </div>
      <Table
        label={w.admin.sections.devices}
        list={devices}
        idOf={(device) => device.id}
        nothing={w.admin.nothing}
        columns={[
          { title: w.admin.name, cell: (device) => <b>{device.name}</b> },
          { title: w.admin.aeTitle, cell: (device) => device.ae_title },
          { title: w.admin.site, cell: (device) => siteName(sites.data, device.site_id) },
          { title: w.admin.address, cell: (device) => device.address ?? w.admin.anyAddress },
          { title: w.admin.modality, cell: (device) => device.modality },
          { title: w.admin.characterSet, cell: (device) => device.character_set ?? '' },
          { title: w.admin.state, cell: (device) => (device.is_enabled ? w.admin.enabled : w.admin.disabled) },
          {
            title: w.admin.actions,
            cell: (device) => (
              <button type="button" className="button" onClick={() => { setOpen(device); }}>
                {w.admin.change}
              </button>
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
      title={device === null ? w.admin.addDevice : device.name}
      confirm={w.common.save}
      save={() => (device === null ? api.addDevice(body) : api.changeDevice(device.id, body))}
      onClose={onClose}
      onSaved={onSaved}
    >
      <SiteChoice sites={sites.data ?? []} value={form.site_id} onChange={(site_id) => { set({ site_id }); }} />
      <TextField label={w.admin.name} required value={form.name} onChange={(event) => { set({ name: event.target.value }); }} />
      <TextField label={w.admin.aeTitle} required maxLength={16} value={form.ae_title} onChange={(event) => { set({ ae_title: event.target.value }); }} />
      <TextField label={w.admin.address} hint={w.admin.addressHint} value={form.address} onChange={(event) => { set({ address: event.target.value }); }} />
      <ModalityChoice value={form.modality} onChange={(modality) => { set({ modality }); }} />
      <TextField label={w.admin.characterSet} hint={w.admin.characterSetHint} value={form.character_set} onChange={(event) => { set({ character_set: event.target.value }); }} />
      <CheckField label={w.admin.enabled} checked={form.is_enabled} onChange={(event) => { set({ is_enabled: event.target.checked }); }} />
    </FormDialog>
  );
}
