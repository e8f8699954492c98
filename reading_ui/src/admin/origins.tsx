/** Studies whose site a person must name: what was seen, what it says, and one choice with a reason. */
import { useState } from 'react';

import { admin as api, origins as originsApi } from '../api/endpoints';
import type { EvidenceView, RelayRuleView, SettledOriginView, SettleOriginRequest, SiteView, WaitingOriginView } from '../api/types';
import { useLive } from '../app/live';
import { type Resource, useResource } from '../app/resource';
import { AreaField } from '../parts/field';
import { Empty, Loading, Note, ProblemNote } from '../parts/notes';
import { useFormat } from '../words';
import { useRoomWords } from '../words/language';
import { SiteChoice } from './choices';
import { FormDialog } from './form_dialog';
import './origins.css';
import { RelayRules } from './relay_rules';
import { Table } from './table';
import { useAdminWords } from './use_words';
import * as words from './words_origins';

const HEARD = new Set(['alarm', 'study', 'arrival']);

export function OriginsSection() {
  const o = useRoomWords(words);
  const waiting = useResource(originsApi.waiting, 'origins');
  const settled = useResource(originsApi.settled, 'settled');
  const sites = useResource(api.sites, 'sites');
  const reload = (): void => {
    waiting.reload();
    settled.reload();
  };
  useLive((event) => HEARD.has(event.kind), reload);
  const [settling, setSettling] = useState<{ study: WaitingOriginView; site: string } | null>(null);
  const [proposed, setProposed] = useState<RelayRuleView | null>(null);
  const known = (sites.data ?? []).filter((site) => site.kind !== 'inbox');
  return (
    <>
      <Note tone="plain">{o.hint}</Note>
      <ProblemNote problem={waiting.problem} onRetry={waiting.reload} />
      {waiting.data === null && waiting.problem === null && <Loading />}
      {waiting.data?.length === 0 && <Empty>{o.none}</Empty>}
      <ul className="origins">
        {waiting.data?.map((study) => (
          <li key={study.study_id}>
            <Waiting study={study} onChoose={(site) => { setSettling({ study, site }); }} onRule={() => { setProposed(ruleFor(study)); }} />
          </li>
        ))}
      </ul>
      <RelayRules sites={known} proposed={proposed} onTaken={() => { setProposed(null); }} onSaved={reload} />
      <Settled list={settled} sites={known} onSaved={reload} />
      {settling !== null && (
        <SettleDialog
          key={settling.study.study_id}
          title={o.settleTitle(settling.study.patient_name)}
          site={settling.site}
          sites={known}
          save={(body) => originsApi.settle(settling.study.study_id, body)}
          onClose={() => { setSettling(null); }}
          onSaved={reload}
        />
      )}
    </>
  );
}

interface WaitingProps {
  study: WaitingOriginView;
  onChoose: (site: string) => void;
  onRule: () => void;
}

function Waiting({ study, onChoose, onRule }: WaitingProps) {
  const o = useRoomWords(words);
  const format = useFormat();
  const named = [...new Map(study.evidence.filter((one) => one.site_id !== '').map((one) => [one.site_id, one.site_name]))];
  const elements = Object.entries(study.elements);
  return (
    <article className="origin" data-testid="waiting-origin" data-id={study.study_id} aria-label={study.patient_name}>
      <header>
        <b>{study.patient_name}</b>
        <span>{study.patient_id}</span>
        <span>{[study.modality, study.description].filter((text) => text !== '').join(' · ')}</span>
        <span>{o.images(study.instance_count)}</span>
        <span className="secondary">
          {o.arrived} {format.when(study.at)}
        </span>
        {study.device_name !== null && (
          <span className="secondary">
            {study.device_name}
            {study.is_relay && ` (${o.relayMark})`}
          </span>
        )}
      </header>
      <p>{o.why[study.why] ?? study.why}</p>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">{o.evidence}</th>
            <th scope="col">{o.seen}</th>
            <th scope="col">{o.says}</th>
          </tr>
        </thead>
        <tbody>
          {study.evidence.map((one, index) => (
            <EvidenceRow key={`${one.kind}-${String(index)}`} evidence={one} />
          ))}
        </tbody>
      </table>
      {elements.length > 0 && (
        <details>
          <summary>{o.elements}</summary>
          <dl className="origin-elements">
            {elements.map(([name, text]) => (
              <div key={name}>
                <dt>{o.elementNames[name] ?? name}</dt>
                <dd>{text}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
      <div className="section-acts">
        {named.map(([id, name]) => (
          <button key={id} type="button" className="button primary" onClick={() => { onChoose(id); }} data-testid="it-is">
            {o.itIs(name)}
          </button>
        ))}
        <button type="button" className="button" onClick={() => { onChoose(''); }} data-testid="choose-site">
          {o.choose}
        </button>
        {study.is_relay && (
          <button type="button" className="button" onClick={onRule} data-testid="write-rule">
            {o.writeRule}
          </button>
        )}
      </div>
    </article>
  );
}

function EvidenceRow({ evidence }: { evidence: EvidenceView }) {
  const o = useRoomWords(words);
  return (
    <tr data-testid="evidence">
      <td>{o.kinds[evidence.kind] ?? evidence.kind}</td>
      <td>
        <span className="wrap">{evidence.seen}</span>
      </td>
      <td>{evidence.site_id === '' ? <span className="secondary">{o.saysNothing}</span> : evidence.site_name}</td>
    </tr>
  );
}

/** What people said, the last first; said wrongly, it can be put right until a report is signed. */
function Settled({ list, sites, onSaved }: { list: Resource<SettledOriginView[]>; sites: SiteView[]; onSaved: () => void }) {
  const o = useRoomWords(words);
  const a = useAdminWords();
  const format = useFormat();
  const [moving, setMoving] = useState<SettledOriginView | null>(null);
  if (list.data?.length === 0) return null;
  return (
    <section aria-label={o.settledTitle}>
      <h3>{o.settledTitle}</h3>
      <Table
        label={o.settledTitle}
        list={list}
        idOf={(one) => one.study_id}
        nothing={a.nothing}
        columns={[
          { title: o.settledPatient, cell: (one) => <b>{one.patient_name}</b> },
          { title: a.modality, cell: (one) => one.modality },
          { title: o.site, cell: (one) => one.site_name },
          { title: o.settledBy, cell: (one) => `${one.settled_by} ${one.settled_at === null ? '' : format.when(one.settled_at)}` },
          { title: o.reason, cell: (one) => <span className="wrap">{one.reason}</span> },
          {
            title: a.actions,
            cell: (one) => (
              <button type="button" className="button" onClick={() => { setMoving(one); }} data-testid="move-origin">
                {o.move}
              </button>
            ),
          },
        ]}
      />
      {moving !== null && (
        <SettleDialog
          key={moving.study_id}
          title={o.moveTitle(moving.patient_name, moving.site_name)}
          site=""
          sites={sites.filter((site) => site.id !== moving.site_id)}
          save={(body) => originsApi.move(moving.study_id, body)}
          onClose={() => { setMoving(null); }}
          onSaved={onSaved}
        />
      )}
    </section>
  );
}

interface SettleProps {
  title: string;
  site: string;
  sites: SiteView[];
  save: (body: SettleOriginRequest) => Promise<unknown>;
  onClose: () => void;
  onSaved: () => void;
}

function SettleDialog({ title, site, sites, save, onClose, onSaved }: SettleProps) {
  const o = useRoomWords(words);
  const [chosen, setChosen] = useState(site);
  const [reason, setReason] = useState('');
  return (
    <FormDialog title={title} confirm={o.settle} save={() => save({ site_id: chosen, reason })} onClose={onClose} onSaved={onSaved}>
      <SiteChoice sites={sites} value={chosen} onChange={setChosen} />
      <AreaField label={o.reason} hint={o.reasonHint} required rows={2} value={reason} onChange={(event) => { setReason(event.target.value); }} data-testid="settle-reason" />
    </FormDialog>
  );
}

/** Begin with what tells clinics apart most often. */
function ruleFor(study: WaitingOriginView): RelayRuleView {
  const element = ['InstitutionName', 'InstitutionalDepartmentName', 'StationName', 'PatientID'].find((name) => name in study.elements) ?? 'InstitutionName';
  return { device_id: study.device_id, element, comparison: 'equals', text: study.elements[element] ?? '', site_id: '', is_enabled: true };
}
