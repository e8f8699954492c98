/** ECGs that name nobody: look at the trace, say whose it is, or that it was a trial. Orders are proposed beside them. */
import { lazy, Suspense, useState } from 'react';

import { ecgIntake as api } from '../api/ecg_intake';
import { studies } from '../api/endpoints';
import type { UnidentifiedEcgList, UnidentifiedEcgView } from '../api/types';
import { type Resource, useAction, useResource } from '../app/resource';
import { AppDialog } from '../parts/dialog';
import { AreaField, SelectField, TextField } from '../parts/field';
import { Loading, ProblemNote } from '../parts/notes';
import { ReasonDialog } from '../parts/reason_dialog';
import { said, useFormat, useWords } from '../words';
import { useRoomWords } from '../words/language';
import * as words from './words_ecg';
import { useOrderWords } from './use_words';

const EcgViewer = lazy(() => import('../ecg_viewer'));

export function UnidentifiedList({ list }: { list: Resource<UnidentifiedEcgList> }) {
  const e = useRoomWords(words);
  return (
    <>
      <ProblemNote problem={list.problem} onRetry={list.reload} />
      {list.data !== null && list.data.items.length > 0 && (
        <section className="unidentified" data-testid="unidentified">
          <h2>{e.unidentified(list.data.total)}</h2>
          <p className="secondary">{e.unidentifiedHint}</p>
          <ul className="order-list">
            {list.data.items.map((one) => (
              <Nobodys key={one.study_id} one={one} onDone={list.reload} />
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

function Nobodys({ one, onDone }: { one: UnidentifiedEcgView; onDone: () => void }) {
  const e = useRoomWords(words);
  const o = useOrderWords();
  const format = useFormat();
  const [asking, setAsking] = useState<'name' | 'nobody' | 'look' | null>(null);
  const nobody = useAction(async (reason: string) => {
    await api.nobody(one.study_id, { reason });
    onDone();
  });
  return (
    <li className="order-card" data-testid="nobodys-ecg" data-id={one.study_id}>
      <div>
        <h3>{e.nobodysEcg}</h3>
        <p className="secondary">{one.site_name}{one.device_name === '' ? '' : ` · ${o.arrivedFrom(one.device_name)}`}</p>
      </div>
      <div>
        <p>{one.study_at === null ? e.noTime : e.recordedAt(format.when(one.study_at))}</p>
        <p className="secondary">{e.arrivedAt(format.when(one.arrived_at))}</p>
      </div>
      <div>{one.patient_id !== '' && <p className="order-warning">{e.wrongNumber(one.patient_id)}</p>}</div>
      <div className="order-card-acts">
        <button type="button" className="button" onClick={() => { setAsking('look'); }} data-testid="look-at-ecg">{e.look}</button>
        <button type="button" className="button primary" onClick={() => { setAsking('name'); }} data-testid="name-patient">{e.namePatient}</button>
        <button type="button" className="button" onClick={() => { setAsking('nobody'); }} data-testid="say-nobody">{e.trial}</button>
      </div>
      {asking === 'look' && <LookDialog one={one} onClose={() => { setAsking(null); }} />}
      {asking === 'name' && <NameDialog one={one} onClose={() => { setAsking(null); }} onDone={onDone} />}
      {asking === 'nobody' && <ReasonDialog title={e.trialTitle} hint={e.trialHint} confirm={e.trial} action={nobody} onClose={() => { setAsking(null); }} />}
    </li>
  );
}

/** The trace itself: nobody can say whose it is without seeing it. */
function LookDialog({ one, onClose }: { one: UnidentifiedEcgView; onClose: () => void }) {
  const e = useRoomWords(words);
  const study = useResource((signal) => studies.get(one.study_id, signal), one.study_id);
  return (
    <AppDialog title={e.nobodysEcg} size="large" onClose={onClose} testId="look-dialog">
      <div className="ecg-look">
        <ProblemNote problem={study.problem} onRetry={study.reload} />
        {study.data === null ? <Loading /> : (
          <Suspense fallback={<Loading />}>
            <EcgViewer study={study.data} instanceId={one.instance_id} />
          </Suspense>
        )}
      </div>
    </AppDialog>
  );
}

function NameDialog({ one, onClose, onDone }: { one: UnidentifiedEcgView; onClose: () => void; onDone: () => void }) {
  const e = useRoomWords(words);
  const o = useOrderWords();
  const w = useWords();
  const [said_, setSaid] = useState({ patient_id: '', name: '', sex: '', birth_date: '', reason: '' });
  const set = (change: Partial<typeof said_>): void => { setSaid({ ...said_, ...change }); };
  const save = useAction(async () => {
    await api.name(one.study_id, { ...said_, birth_date: said_.birth_date === '' ? null : said_.birth_date });
    onDone();
  });
  const isReady = [said_.patient_id, said_.name, said_.reason].every((text) => text.trim() !== '');
  return (
    <AppDialog title={e.nameTitle} onClose={onClose} testId="name-dialog">
      <TextField label={o.form.name} value={said_.name} autoFocus onChange={(event) => { set({ name: event.target.value }); }} data-testid="nobody-name" />
      <TextField label={o.form.patientId} value={said_.patient_id} onChange={(event) => { set({ patient_id: event.target.value }); }} data-testid="nobody-id" />
      <SelectField label={o.form.sex} value={said_.sex} onChange={(event) => { set({ sex: event.target.value }); }}>
        {['', 'M', 'F', 'O'].map((sex) => (
          <option key={sex} value={sex}>{said(o.sexes, sex)}</option>
        ))}
      </SelectField>
      <TextField label={o.form.birthDate} type="date" value={said_.birth_date} onChange={(event) => { set({ birth_date: event.target.value }); }} />
      <AreaField label={w.common.reasonNeeded} hint={e.nameHint} rows={3} value={said_.reason} onChange={(event) => { set({ reason: event.target.value }); }} data-testid="nobody-reason" />
      <ProblemNote problem={save.problem} />
      <footer>
        <button type="button" className="button" onClick={onClose}>{w.common.cancel}</button>
        <button type="button" className="button primary" disabled={!isReady || save.isBusy} data-testid="save-name"
          onClick={() => { void save.run().then((isDone) => { if (isDone) onClose(); }); }}>
          {e.namePatient}
        </button>
      </footer>
    </AppDialog>
  );
}
