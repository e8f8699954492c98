/** One order, to be written or changed. What the identity number does not agree with is said, never refused (A6). */
import { type FormEvent, useState } from 'react';

import { orders as api } from '../api/endpoints';
import type { OrderRequest, OrderView } from '../api/types';
import { useAction } from '../app/resource';
import { useSession } from '../app/session';
import { AppDialog } from '../parts/dialog';
import { AreaField, CheckField, SelectField, TextField } from '../parts/field';
import { Note, ProblemNote } from '../parts/notes';
import { said, useWords } from '../words';
import { useOrderWords } from './use_words';

const SEXES = ['', 'M', 'F', 'O'];
const URGENCIES = ['routine', 'urgent', 'emergency'];

interface OrderDialogProps {
  order: OrderView | null;
  onClose: () => void;
  onSaved: () => void;
}

type Form = ReturnType<typeof formOf>;

export function OrderDialog({ order, onClose, onSaved }: OrderDialogProps) {
  const w = useWords();
  const o = useOrderWords();
  const { session } = useSession();
  const sites = [...new Set(session.grants.filter((grant) => grant.role === 'clinic' || grant.role === 'admin').map((grant) => grant.site_id))];
  const ownSite = sites.length === 1 ? sites[0] : null;
  const [form, setForm] = useState(() => formOf(order, ownSite ?? ''));
  const [saved, setSaved] = useState<OrderView | null>(null);
  const set = (change: Partial<Form>): void => { setForm((old) => ({ ...old, ...change })); };
  const text = (name: keyof Form) => ({
    value: String(form[name]),
    onChange: (event: { target: { value: string } }) => { set({ [name]: event.target.value }); },
  });
  const action = useAction(async () => {
    const body = bodyOf(form, order);
    const answer = order === null ? await api.place(body) : await api.amend(order.id, body);
    onSaved();
    if (answer.warnings.length === 0) onClose();
    else setSaved(answer);
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void action.run();
  };
  if (saved !== null) {
    return (
      <AppDialog title={saved.patient_name} onClose={onClose} testId="order-warnings">
        <Note tone="warning">
          {saved.warnings.map((word) => (
            <p key={word}>{said(o.warnings, word)}</p>
          ))}
        </Note>
        <footer>
          <button type="button" className="button primary" onClick={onClose} autoFocus>
            {w.common.close}
          </button>
        </footer>
      </AppDialog>
    );
  }
  return (
    <AppDialog title={order === null ? o.add : order.patient_name} onClose={onClose} size="large" testId="order-form">
      <form className="order-form" onSubmit={submit}>
        <fieldset>
          <legend>{o.form.patient}</legend>
          <TextField label={o.form.name} required maxLength={64} autoFocus {...text('patient_name')} data-testid="order-name" />
          <SelectField label={o.form.sex} {...text('sex')}>
            {SEXES.map((code) => (
              <option key={code} value={code}>
                {said(o.sexes, code)}
              </option>
            ))}
          </SelectField>
          <TextField label={o.form.birthDate} type="date" {...text('birth_date')} />
          <TextField label={o.form.idCard} maxLength={32} {...text('id_card_number')} data-testid="order-id-card" />
          <TextField label={o.form.visit} maxLength={64} required={form.patient_id === ''} {...text('visit_number')} data-testid="order-visit" />
          <SelectField label={o.form.patientClass} {...text('patient_class')} data-testid="order-patient-class">
            {['', 'outpatient', 'inpatient'].map((code) => (
              <option key={code} value={code}>
                {said(o.patientClasses, code)}
              </option>
            ))}
          </SelectField>
          <TextField label={o.form.patientId} hint={o.form.patientIdHint} maxLength={64} {...text('patient_id')} />
          <TextField label={o.form.latin} maxLength={64} {...text('name_alphabetic')} />
          {order === null && ownSite == null && <TextField label={o.form.site} required {...text('site_id')} />}
        </fieldset>
        <fieldset>
          <legend>{o.form.exam}</legend>
          <SelectField label={o.form.modality} {...text('modality')} data-testid="order-modality">
            {[...new Set([...Object.keys(o.modalities), form.modality])].map((code) => (
              <option key={code} value={code}>
                {said(o.modalities, code)}
              </option>
            ))}
          </SelectField>
          <TextField label={o.form.procedure} maxLength={64} {...text('procedure_description')} />
          <TextField label={o.form.bodyPart} maxLength={16} {...text('body_part')} />
          <TextField label={o.form.station} hint={o.form.stationHint} maxLength={16} {...text('station_ae_title')} />
          <TextField label={o.form.at} type="datetime-local" {...text('scheduled_at')} />
          <SelectField label={o.form.urgency} {...text('urgency')} data-testid="order-urgency">
            {URGENCIES.map((name) => (
              <option key={name} value={name}>
                {said(o.urgencies, name)}
              </option>
            ))}
          </SelectField>
          <TextField label={o.form.count} type="number" min={1} max={100000} {...text('expected_count')} />
          <TextField label={o.form.fee} maxLength={64} {...text('fee_item')} />
        </fieldset>
        <fieldset>
          <legend>{o.form.clinical}</legend>
          <TextField label={o.form.department} maxLength={64} {...text('department')} />
          <TextField label={o.form.physician} maxLength={64} {...text('requesting_physician')} />
          <AreaField label={o.form.diagnosis} maxLength={1000} rows={2} {...text('clinical_diagnosis')} data-testid="order-diagnosis" />
          <AreaField label={o.form.purpose} maxLength={1000} rows={2} {...text('purpose')} />
        </fieldset>
        <fieldset>
          <legend>{o.form.consent}</legend>
          <TextField label={o.form.informedBy} maxLength={64} {...text('consent_informed_by')} />
          <TextField label={o.form.givenBy} maxLength={64} {...text('consent_given_by')} />
          <CheckField label={o.form.isWritten} checked={form.consent_is_written} onChange={(event) => { set({ consent_is_written: event.target.checked }); }} />
        </fieldset>
        <ProblemNote problem={action.problem} />
        <footer>
          <button type="button" className="button" onClick={onClose}>
            {w.common.cancel}
          </button>
          <button type="submit" className="button primary" disabled={action.isBusy} data-testid="order-save">
            {w.common.save}
          </button>
        </footer>
      </form>
    </AppDialog>
  );
}

function formOf(order: OrderView | null, siteId: string) {
  return {
    site_id: order?.site_id ?? siteId,
    patient_name: order?.patient_name ?? '',
    name_alphabetic: order?.name_alphabetic ?? '',
    sex: order?.sex ?? '',
    birth_date: order?.birth_date ?? '',
    id_card_number: order?.id_card_number ?? '',
    visit_number: order?.visit_number ?? '',
    patient_class: order?.patient_class ?? '',
    patient_id: order?.patient_id ?? '',
    modality: order?.modality ?? 'DX',
    procedure_description: order?.procedure_description ?? '',
    body_part: order?.body_part ?? '',
    station_ae_title: order?.station_ae_title ?? '',
    scheduled_at: order === null ? '' : localTime(order.scheduled_at),
    urgency: order?.urgency ?? 'routine',
    expected_count: order?.expected_count == null ? '' : String(order.expected_count),
    fee_item: order?.fee_item ?? '',
    department: order?.department ?? '',
    requesting_physician: order?.requesting_physician ?? '',
    clinical_diagnosis: order?.clinical_diagnosis ?? '',
    purpose: order?.purpose ?? '',
    consent_informed_by: order?.consent_informed_by ?? '',
    consent_given_by: order?.consent_given_by ?? '',
    consent_is_written: order?.consent_is_written ?? false,
  };
}

/** What is not in the form stays as it is. */
function bodyOf(form: Form, order: OrderView | null): OrderRequest {
  return {
    ...form,
    birth_date: form.birth_date === '' ? null : form.birth_date,
    scheduled_at: form.scheduled_at === '' ? null : new Date(form.scheduled_at).toISOString(),
    expected_count: form.expected_count === '' ? null : Number(form.expected_count),
    consent_is_written: form.consent_is_written ? true : (order?.consent_is_written ?? null) === null ? null : false,
    consent_at: order?.consent_at ?? (form.consent_informed_by === '' ? null : new Date().toISOString()),
    accession_number: order?.accession_number ?? '',
    study_instance_uid: order?.study_instance_uid ?? '',
    placer_order_number: order?.placer_order_number ?? '',
    procedure_code: order?.procedure_code ?? '',
    revision: order?.revision ?? null,
  };
}

/** As the browser's own control wants it: local, without seconds. */
function localTime(iso: string): string {
  const at = new Date(iso);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
