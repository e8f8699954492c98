/** ECG files that nobody can read: what they look like, what to ask of the cart, and to whom they are bound meanwhile. */
import { useState } from 'react';

import { ecgIntake as api } from '../api/ecg_intake';
import { admin, orders } from '../api/endpoints';
import type { OrderView, UnreadEcgView } from '../api/types';
import { useLive } from '../app/live';
import { useAction, useResource } from '../app/resource';
import { AppDialog } from '../parts/dialog';
import { AreaField, SelectField, TextField } from '../parts/field';
import { Empty, Loading, Note, ProblemNote } from '../parts/notes';
import { ReasonDialog } from '../parts/reason_dialog';
import { said, useFormat, useWords } from '../words';
import { useRoomWords } from '../words/language';
import { siteName } from './choices';
import './ecg_files.css';
import * as words from './words_ecg_files';

const STATES = ['waiting', 'kept', 'read'];

export function EcgFilesSection() {
  const e = useRoomWords(words);
  const [state, setState] = useState('waiting');
  const sites = useResource(admin.sites, 'sites');
  const found = useResource((signal) => api.files(state, signal), `ecg-files:${state}`);
  useLive((event) => event.kind === 'arrival' || event.kind === 'alarm', found.reload);
  return (
    <>
      <Note tone="plain">{e.hint}</Note>
      <details className="ecg-makers">
        <summary>{e.makersTitle}</summary>
        <p>{e.makers}</p>
        <ul>{e.steps.map((step) => <li key={step}>{step}</li>)}</ul>
        {found.data !== null && <p className="secondary">{e.formats(found.data.formats.join(', '))}</p>}
      </details>
      {found.data?.adapter_faults.map((fault) => <Note key={fault} tone="warning">{e.adapterFault(fault)}</Note>)}
      <div className="quarantine-filters" role="search">
        <SelectField label={e.state} value={state} onChange={(event) => { setState(event.target.value); }} data-testid="ecg-files-state">
          {STATES.map((name) => <option key={name} value={name}>{said(e.states, name)}</option>)}
        </SelectField>
      </div>
      <ProblemNote problem={found.problem} onRetry={found.reload} />
      {found.data === null ? (
        found.problem === null && <Loading />
      ) : found.data.items.length === 0 ? (
        <Empty>{said(e.none, state)}</Empty>
      ) : (
        <ul className="ecg-files" aria-label={e.title}>
          {found.data.items.map((file) => (
            <EcgFile key={file.arrival_id} file={file} site={siteName(sites.data, file.site_id)} onDone={found.reload} />
          ))}
        </ul>
      )}
    </>
  );
}

function EcgFile({ file, site, onDone }: { file: UnreadEcgView; site: string; onDone: () => void }) {
  const e = useRoomWords(words);
  const format = useFormat();
  const [asking, setAsking] = useState<'attach' | 'detach' | null>(null);
  const again = useAction(async () => {
    await api.readAgain(file.arrival_id);
    onDone();
  });
  const detach = useAction(async (reason: string) => {
    await api.detach(file.arrival_id, { reason });
    onDone();
  });
  const isBound = file.attached_at !== null;
  const isRead = file.result === 'read';
  return (
    <li data-testid="ecg-file" data-id={file.arrival_id}>
      <div>
        <h2>{file.file_name === '' ? e.noName : file.file_name} {file.is_pdf && <span className="badge">PDF</span>}</h2>
        <p><b>{said(e.reasons, file.reason)}</b> <span className="secondary">{said(e.reasons, file.reason) === file.reason && file.detail}</span></p>
        <p className="secondary">
          {[format.when(file.at), site, file.device_name, file.address, said(e.ways, file.via), format.bytes(file.size_bytes)].filter((part) => part !== '').join(' · ')}
        </p>
        {isBound && (
          <p data-testid="bound-to">
            {isRead ? e.readAs(file.patient_name) : e.boundTo(file.patient_name)}{' '}
            <span className="secondary">{file.why_attached}{!isRead && file.tried_at !== null && ` · ${e.tried(format.when(file.tried_at), said(e.reasons, file.result))}`}</span>
          </p>
        )}
        <ProblemNote problem={again.problem} />
      </div>
      <figure>
        <figcaption className="secondary">{e.firstBytes}</figcaption>
        <pre data-testid="first-bytes">{dump(file)}</pre>
      </figure>
      <div className="ecg-file-acts">
        {!isBound && <button type="button" className="button primary" onClick={() => { setAsking('attach'); }} data-testid="attach-file">{file.is_pdf ? e.attachPdf : e.attach}</button>}
        {isBound && !isRead && <button type="button" className="button primary" disabled={again.isBusy} onClick={() => { void again.run(); }} data-testid="read-again">{e.readAgain}</button>}
        {isBound && !isRead && <button type="button" className="button" onClick={() => { setAsking('detach'); }}>{e.detach}</button>}
        <a className="button" href={api.bytesUrl(file.arrival_id)} download>{e.download}</a>
      </div>
      {asking === 'attach' && <AttachDialog file={file} onClose={() => { setAsking(null); }} onDone={onDone} />}
      {asking === 'detach' && <ReasonDialog title={e.detachTitle} hint={e.detachHint} confirm={e.detach} action={detach} onClose={() => { setAsking(null); }} />}
    </li>
  );
}

function AttachDialog({ file, onClose, onDone }: { file: UnreadEcgView; onClose: () => void; onDone: () => void }) {
  const e = useRoomWords(words);
  const w = useWords();
  const format = useFormat();
  const [q, setQ] = useState('');
  const [order, setOrder] = useState<OrderView | null>(null);
  const [reason, setReason] = useState('');
  const found = useResource((signal) => orders.list({ q: q.trim(), state: '', limit: 8, offset: 0 }, signal), `attach:${q.trim()}`);
  const save = useAction(async () => {
    if (order !== null) await api.attach(file.arrival_id, { order_id: order.id, reason: reason.trim() });
    onDone();
  });
  const fitting = (found.data?.items ?? []).filter((one) => one.site_id === file.site_id && one.state !== 'withdrawn');
  return (
    <AppDialog title={e.attachTitle} onClose={onClose} testId="attach-dialog">
      <p className="secondary">{file.is_pdf ? e.attachPdfHint : e.attachHint}</p>
      <TextField label={e.findOrder} type="search" value={q} autoFocus onChange={(event) => { setQ(event.target.value); setOrder(null); }} data-testid="attach-search" />
      <ProblemNote problem={found.problem} onRetry={found.reload} />
      <ul className="attach-orders" role="radiogroup" aria-label={e.findOrder}>
        {fitting.map((one) => (
          <li key={one.id}>
            <label>
              <input type="radio" name="order" checked={order?.id === one.id} onChange={() => { setOrder(one); }} data-testid="attach-order" />
              <b>{one.patient_name}</b> {format.sex(one.sex)} <span className="secondary">{[one.patient_id, one.modality, format.when(one.scheduled_at)].join(' · ')}</span>
            </label>
          </li>
        ))}
        {found.data !== null && fitting.length === 0 && <li className="secondary">{e.noOrder}</li>}
      </ul>
      <AreaField label={w.common.reasonNeeded} hint={e.reasonHint} rows={3} value={reason} onChange={(event) => { setReason(event.target.value); }} data-testid="attach-reason" />
      <ProblemNote problem={save.problem} />
      <footer>
        <button type="button" className="button" onClick={onClose}>{w.common.cancel}</button>
        <button type="button" className="button primary" disabled={order === null || reason.trim() === '' || save.isBusy} data-testid="attach-save"
          onClick={() => { void save.run().then((isDone) => { if (isDone) onClose(); }); }}>
          {e.attach}
        </button>
      </footer>
    </AppDialog>
  );
}

/** Sixteen bytes a line, as every hex viewer shows them. */
function dump(file: UnreadEcgView): string {
  const bytes = file.first_bytes_hex.split(' ');
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) lines.push(`${bytes.slice(at, at + 16).join(' ').padEnd(47)}  ${file.first_bytes_text.slice(at, at + 16)}`);
  return lines.join('\n');
}
