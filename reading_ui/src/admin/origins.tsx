/** Studies whose site a person must name: what was seen, what it says, and one choice with a reason. */
import { useState } from 'react';

import { admin as api, origins as originsApi } from '../api/endpoints';
import type { EvidenceView, RelayRuleView, SiteView, WaitingOriginView } from '../api/types';
import { useLive } from '../app/live';
import { useResource } from '../app/resource';
import { AreaField } from '../parts/field';
import { Empty, Loading, Note, ProblemNote } from '../parts/notes';
import { useFormat } from '../words';
import { useRoomWords } from '../words/language';
import { SiteChoice } from './choices';
import { FormDialog } from './form_dialog';
import './origins.css';
import { RelayRules } from './relay_rules';
import * as words from './words_origins';

const HEARD = new Set(['alarm', 'study', 'arrival']);

export function OriginsSection() {
  const o = useRoomWords(words);
  const waiting = useResource(originsApi.waiting, 'origins');
  const sites = useResource(api.sites, 'sites');
  useLive((event) => event === null || HEARD.has(event.kind), waiting.reload);
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
      <RelayRules sites={known} proposed={proposed} onTaken={() => { setProposed(null); }} onSaved={waiting.reload} />
      {settling !== null && (
        <SettleDialog key={settling.study.study_id} {...settling} sites={known} onClose={() => { setSettling(null); }} onSaved={waiting.reload} />
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

interface SettleProps {
  study: WaitingOriginView;
  site: string;
  sites: SiteView[];
  onClose: () => void;
  onSaved: () => void;
}

function SettleDialog({ study, site, sites, onClose, onSaved }: SettleProps) {
  const o = useRoomWords(words);
  const [chosen, setChosen] = useState(site);
  const [reason, setReason] = useState('');
  return (
    <FormDialog
      title={o.settleTitle(study.patient_name)}
      confirm={o.settle}
      save={() => originsApi.settle(study.study_id, { site_id: chosen, reason })}
      onClose={onClose}
      onSaved={onSaved}
    >
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
