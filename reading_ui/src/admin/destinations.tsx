/** Where signed reports go, besides the clinic's page. */
import { useState } from 'react';

import { admin as api } from '../api/endpoints';
import type { DestinationView } from '../api/types';
import { useResource } from '../app/resource';
import { AreaField, CheckField, SelectField, TextField } from '../parts/field';
import { said, useWords } from '../words';
import { SiteChoice, siteName } from './choices';
import { EditableTable } from './editable_table';
import { FormDialog } from './form_dialog';
import { useAdminWords } from './use_words';

const KINDS = ['dicom', 'orthanc', 'pull', 'clinic_page'];

export function DestinationsSection() {
  const w = useWords();
  const a = useAdminWords();
  const destinations = useResource(api.destinations, 'destinations');
  const sites = useResource(api.sites, 'sites');
  return (
    <EditableTable
      label={a.sections.destinations}
      list={destinations}
      columns={[
        { title: a.name, cell: (destination) => <b>{destination.name}</b> },
        { title: a.kind, cell: (destination) => said(w.common.destinationKind, destination.kind) },
        { title: a.site, cell: (destination) => siteName(sites.data, destination.site_id) },
        { title: a.aeTitle, cell: (destination) => destination.ae_title },
        { title: a.host, cell: (destination) => (destination.host === '' ? '' : `${destination.host}:${String(destination.port)}${destination.uses_tls ? ' (TLS)' : ''}`) },
        { title: a.state, cell: (destination) => (destination.is_enabled ? a.enabled : a.disabled) },
      ]}
      form={(destination, onClose) => <DestinationDialog destination={destination} onClose={onClose} onSaved={destinations.reload} />}
    />
  );
}

function DestinationDialog({ destination, onClose, onSaved }: { destination: DestinationView | null; onClose: () => void; onSaved: () => void }) {
  const w = useWords();
  const a = useAdminWords();
  const sites = useResource(api.sites, 'sites');
  const [form, setForm] = useState({
    site_id: destination?.site_id ?? '',
    kind: destination?.kind ?? 'dicom',
    name: destination?.name ?? '',
    ae_title: destination?.ae_title ?? '',
    host: destination?.host ?? '',
    port: destination?.port ?? 104,
    is_enabled: destination?.is_enabled ?? true,
    asks_commitment: destination?.asks_commitment ?? false,
    uses_tls: destination?.uses_tls ?? false,
    certificate_sha256: destination?.certificate_sha256 ?? '',
  });
  const set = (change: Partial<typeof form>): void => { setForm({ ...form, ...change }); };
  const isNetwork = form.kind !== 'clinic_page' && form.kind !== 'pull';
  const isSecured = form.kind === 'dicom' && form.uses_tls;
  const body = { ...form, ...(isNetwork ? {} : { host: '', port: 0, ae_title: '' }), ...(isSecured ? {} : { uses_tls: false, certificate_sha256: '' }) };
  return (
    <FormDialog
      title={destination === null ? a.addDestination : destination.name}
      confirm={w.common.save}
      save={() => (destination === null ? api.addDestination(body) : api.changeDestination(destination.id, body))}
      onClose={onClose}
      onSaved={onSaved}
    >
      {destination === null && (
        <>
          <SiteChoice sites={sites.data ?? []} value={form.site_id} onChange={(site_id) => { set({ site_id }); }} />
          <SelectField label={a.kind} value={form.kind} onChange={(event) => { set({ kind: event.target.value }); }}>
            {KINDS.map((kind) => (
              <option key={kind} value={kind}>
                {said(w.common.destinationKind, kind)}
              </option>
            ))}
          </SelectField>
        </>
      )}
      <TextField label={a.name} required value={form.name} onChange={(event) => { set({ name: event.target.value }); }} />
      {isNetwork && (
        <>
          {form.kind === 'dicom' && (
            <TextField label={a.aeTitle} required maxLength={16} value={form.ae_title} onChange={(event) => { set({ ae_title: event.target.value }); }} />
          )}
          <TextField label={a.host} required value={form.host} onChange={(event) => { set({ host: event.target.value }); }} />
          <TextField label={a.port} type="number" required min={1} max={65535} value={form.port} onChange={(event) => { set({ port: Number(event.target.value) }); }} />
        </>
      )}
      {form.kind === 'dicom' && (
        <>
          <CheckField label={a.asksCommitment} checked={form.asks_commitment} onChange={(event) => { set({ asks_commitment: event.target.checked }); }} />
          <CheckField label={a.usesTls} checked={form.uses_tls} onChange={(event) => { set({ uses_tls: event.target.checked }); }} data-testid="uses-tls" />
          {form.uses_tls && (
            <AreaField label={a.peerCertificate} hint={a.peerCertificateHint} rows={2} spellCheck={false} value={form.certificate_sha256} onChange={(event) => { set({ certificate_sha256: event.target.value }); }} />
          )}
        </>
      )}
      <CheckField label={a.enabled} checked={form.is_enabled} onChange={(event) => { set({ is_enabled: event.target.checked }); }} />
    </FormDialog>
  );
}
