/** Until when studies are kept, and the three things that can be done about it: seal, say the visit, ask for deletion. */
import { type FormEvent, type ReactNode, useState } from 'react';

import { admin, keeping as api } from '../api/endpoints';
import type { StandingView } from '../api/types';
import { useLive } from '../app/live';
import { useResource } from '../app/resource';
import { AreaField, SelectField, TextField } from '../parts/field';
import { Note } from '../parts/notes';
import { said, useFormat, useWords } from '../words';
import { useRoomWords } from '../words/language';
import { siteName } from './choices';
import { FormDialog } from './form_dialog';
import { Table } from './table';
import { useAdminWords } from './use_words';
import * as words from './words_keeping';

type Act = { kind: 'seal' | 'visit' | 'delete'; study: StandingView };

interface StudiesProps {
  waitDays: number;
  onChanged: () => void;
}

export function Studies({ waitDays, onChanged }: StudiesProps) {
  const w = useWords();
  const a = useAdminWords();
  const k = useRoomWords(words);
  const format = useFormat();
  const [typed, setTyped] = useState('');
  const [asked, setAsked] = useState('');
  const found = useResource((signal) => api.studies(asked, signal), `standings:${asked}`);
  useLive((event) => event.kind === 'study', found.reload);
  const sites = useResource(admin.sites, 'sites');
  const [act, setAct] = useState<Act | null>(null);
  const find = (event: FormEvent): void => {
    event.preventDefault();
    if (asked === typed.trim()) found.reload();
    else setAsked(typed.trim());
  };
  const done = (): void => {
    found.reload();
    onChanged();
  };
  const close = (): void => { setAct(null); };
  return (
    <section className="keeping-part">
      <h2>{k.studies}</h2>
      <form className="keeping-find" role="search" onSubmit={find}>
        <TextField label={k.find} hint={k.findHint} type="search" value={typed} onChange={(event) => { setTyped(event.target.value); }} data-testid="find-study" />
        <button type="submit" className="button" data-testid="find-now">
          {k.find}
        </button>
      </form>
      <Table
        label={k.studies}
        list={found}
        idOf={(study) => study.study_id}
        nothing={k.studiesNone}
        columns={[
          { title: k.patient, cell: (study) => <TwoLines first={<b>{study.patient.name.display}</b>} second={study.patient.patient_id} /> },
          { title: k.examination, cell: (study) => <TwoLines first={study.modality} second={study.description} /> },
          { title: a.site, cell: (study) => siteName(sites.data, study.site_id) },
          { title: k.careClass, cell: (study) => <TwoLines first={said(k.classes, study.care_class)} second={k.years(study.years)} /> },
          { title: k.countedFrom, cell: (study) => format.date(study.counted_from) },
          { title: k.retainUntil, cell: (study) => <b>{format.date(study.retain_until)}</b> },
          { title: k.standing, cell: (study) => <span className="keeping-standing" data-testid="standing">{standing(study, k)}</span> },
          {
            title: a.actions,
            cell: (study) => (
              <span className="row-acts">
                <button type="button" className="button" onClick={() => { setAct({ kind: 'seal', study }); }} data-testid="seal">
                  {k.seal}
                </button>
                <button type="button" className="button" onClick={() => { setAct({ kind: 'visit', study }); }} data-testid="set-visit">
                  {k.setVisit}
                </button>
                {study.obstacles.length === 0 && study.deletion_state === '' && (
                  <button type="button" className="button" onClick={() => { setAct({ kind: 'delete', study }); }} data-testid="ask-deletion">
                    {k.askDeletion}
                  </button>
                )}
              </span>
            ),
          },
        ]}
      />
      {act?.kind === 'seal' && <SealDialog key={act.study.study_id} study={act.study} onClose={close} onSaved={done} />}
      {act?.kind === 'visit' && <VisitDialog key={act.study.study_id} study={act.study} onClose={close} onSaved={done} />}
      {act?.kind === 'delete' && (
        <ReasonForm title={k.askTitle(act.study.patient.name.display)} hint={k.askHint(waitDays)} confirm={k.askDeletion} save={(reason) => api.askDeletion(act.study.study_id, { reason })} onClose={close} onSaved={done} label={w.common.reasonNeeded} />
      )}
    </section>
  );
}

/** A fact and what belongs to it, one below the other: wide tables stay within sight. */
export function TwoLines({ first, second }: { first: ReactNode; second: string }) {
  return (
    <span className="keeping-lines">
      <span>{first}</span>
      <span className="secondary">{second}</span>
    </span>
  );
}

function standing(study: StandingView, k: typeof words.zh): string {
  if (study.deletion_state !== '') return said(k.states, study.deletion_state);
  return study.obstacles.length === 0 ? k.mayGo : study.obstacles.map((one) => said(k.obstacles, one)).join(' · ');
}

interface StudyDialogProps {
  study: StandingView;
  onClose: () => void;
  onSaved: () => void;
}

function SealDialog({ study, onClose, onSaved }: StudyDialogProps) {
  const k = useRoomWords(words);
  const [reason, setReason] = useState('');
  const [demandedBy, setDemandedBy] = useState('');
  return (
    <FormDialog title={k.sealTitle(study.patient.name.display)} confirm={k.seal} save={() => api.seal(study.study_id, { reason, demanded_by: demandedBy })} onClose={onClose} onSaved={onSaved}>
      <Note tone="plain">{k.sealHint}</Note>
      <TextField label={k.demandedBy} required autoFocus value={demandedBy} onChange={(event) => { setDemandedBy(event.target.value); }} data-testid="demanded-by" />
      <AreaField label={k.reason} required rows={3} value={reason} onChange={(event) => { setReason(event.target.value); }} data-testid="reason" />
    </FormDialog>
  );
}

function VisitDialog({ study, onClose, onSaved }: StudyDialogProps) {
  const k = useRoomWords(words);
  const [careClass, setCareClass] = useState(study.care_class);
  const [endedOn, setEndedOn] = useState('');
  const ended_at = endedOn === '' ? null : new Date(`${endedOn}T23:59:59Z`).toISOString();
  return (
    <FormDialog title={k.visitTitle(study.patient.name.display)} confirm={k.setVisit} save={() => api.setVisit(study.study_id, { care_class: careClass, ended_at })} onClose={onClose} onSaved={onSaved}>
      <SelectField label={k.careClass} value={careClass} autoFocus onChange={(event) => { setCareClass(event.target.value); }} data-testid="care-class">
        {Object.keys(k.classes).map((name) => (
          <option key={name} value={name}>
            {said(k.classes, name)}
          </option>
        ))}
      </SelectField>
      <TextField label={k.endedOn} hint={k.endedHint} type="date" value={endedOn} onChange={(event) => { setEndedOn(event.target.value); }} data-testid="ended-on" />
    </FormDialog>
  );
}

interface ReasonFormProps {
  title: string;
  hint: string;
  confirm: string;
  label: string;
  save: (reason: string) => Promise<unknown>;
  onClose: () => void;
  onSaved: () => void;
}

/** One reason in words, and one act. */
export function ReasonForm({ title, hint, confirm, label, save, onClose, onSaved }: ReasonFormProps) {
  const [reason, setReason] = useState('');
  return (
    <FormDialog title={title} confirm={confirm} save={() => save(reason.trim())} onClose={onClose} onSaved={onSaved}>
      <Note tone="plain">{hint}</Note>
      <AreaField label={label} required rows={3} autoFocus value={reason} onChange={(event) => { setReason(event.target.value); }} data-testid="reason" />
    </FormDialog>
  );
}
