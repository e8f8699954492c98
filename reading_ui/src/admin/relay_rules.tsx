/** Rules for devices that speak for several clinics: edited as a list, tried before they count, saved as a whole. */
import { type FormEvent, useEffect, useState } from 'react';

import { admin as api, origins as originsApi } from '../api/endpoints';
import type { DeviceView, RelayRuleView, SiteView } from '../api/types';
import { useAction, useResource } from '../app/resource';
import { SelectField, TextField } from '../parts/field';
import { Empty, Note, ProblemNote } from '../parts/notes';
import { useRoomWords } from '../words/language';
import { siteName } from './choices';
import * as words from './words_origins';

const COMPARISONS = ['equals', 'contains', 'starts_with'];
const NEW: RelayRuleView = { device_id: null, element: 'InstitutionName', comparison: 'equals', text: '', site_id: '', is_enabled: true };

interface RelayRulesProps {
  sites: SiteView[];
  /** A rule that somebody wants to begin with; told back once it is in the list. */
  proposed: RelayRuleView | null;
  onTaken: () => void;
  onSaved: () => void;
}

export function RelayRules({ sites, proposed, onTaken, onSaved }: RelayRulesProps) {
  const o = useRoomWords(words);
  const kept = useResource(originsApi.rules, 'relay-rules');
  const devices = useResource(api.devices, 'devices');
  const [edited, setEdited] = useState<RelayRuleView[] | null>(null);
  const rules = edited ?? kept.data?.rules ?? [];
  const relays = (devices.data ?? []).filter((device) => device.is_relay);
  useEffect(() => {
    if (proposed === null || kept.data === null) return;
    setEdited((old) => [...(old ?? kept.data?.rules ?? []), proposed]);
    onTaken();
  }, [proposed, kept.data, onTaken]);
  const save = useAction(async () => {
    const now = await originsApi.putRules({ rules });
    kept.replace(now);
    setEdited(null);
    onSaved();
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void save.run();
  };
  const change = (index: number, with_: Partial<RelayRuleView>): void => {
    setEdited(rules.map((rule, at) => (at === index ? { ...rule, ...with_ } : rule)));
  };
  return (
    <section className="relay-rules" aria-label={o.rules} data-testid="relay-rules">
      <h2>{o.rules}</h2>
      <p className="secondary">{o.rulesHint}</p>
      <ProblemNote problem={kept.problem ?? save.problem} />
      <form onSubmit={submit}>
        {rules.length === 0 ? (
          <Empty>{o.rulesNone}</Empty>
        ) : (
          <div className="table-frame" role="region" aria-label={o.rules} tabIndex={0}>
            <table className="table">
              <thead>
                <tr>
                  {[o.order, o.device, o.element, o.comparison, o.text, o.site, o.isOn, o.acts].map((title) => (
                    <th key={title} scope="col">
                      {title}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {rules.map((rule, index) => (
                  <Row
                    key={index}
                    rule={rule}
                    number={index + 1}
                    count={rules.length}
                    relays={relays}
                    sites={sites}
                    elements={kept.data?.elements ?? [rule.element]}
                    onChange={(with_) => { change(index, with_); }}
                    onMove={(by) => { setEdited(moved(rules, index, by)); }}
                    onRemove={() => { setEdited(rules.filter((_, at) => at !== index)); }}
                  />
                ))}
              </tbody>
            </table>
          </div>
        )}
        <div className="section-acts">
          <button type="button" className="button" onClick={() => { setEdited([...rules, NEW]); }} data-testid="add-rule">
            {o.add}
          </button>
          <button type="submit" className="button primary" disabled={edited === null || save.isBusy} data-testid="save-rules">
            {o.save}
          </button>
          {edited !== null && <span className="secondary">{o.unsaved}</span>}
        </div>
      </form>
      {edited === null && kept.data !== null && kept.data.settled > 0 && <Note tone="ok">{o.saved(kept.data.settled)}</Note>}
      <TryBox rules={rules} sites={sites} relays={relays} elements={kept.data?.elements ?? []} />
    </section>
  );
}

interface RowProps {
  rule: RelayRuleView;
  number: number;
  count: number;
  relays: DeviceView[];
  sites: SiteView[];
  elements: string[];
  onChange: (with_: Partial<RelayRuleView>) => void;
  onMove: (by: number) => void;
  onRemove: () => void;
}

function Row({ rule, number, count, relays, sites, elements, onChange, onMove, onRemove }: RowProps) {
  const o = useRoomWords(words);
  const label = (title: string): string => `${title} ${String(number)}`;
  return (
    <tr data-testid="relay-rule">
      <td>{number}</td>
      <td>
        <select className="control" aria-label={label(o.device)} value={rule.device_id ?? ''} onChange={(event) => { onChange({ device_id: event.target.value || null }); }}>
          <option value="">{o.everyRelay}</option>
          {relays.map((device) => (
            <option key={device.id} value={device.id}>
              {device.name}
            </option>
          ))}
        </select>
      </td>
      <td>
        <select className="control" aria-label={label(o.element)} value={rule.element} onChange={(event) => { onChange({ element: event.target.value }); }}>
          {elements.map((name) => (
            <option key={name} value={name}>
              {o.elementNames[name] ?? name}
            </option>
          ))}
        </select>
      </td>
      <td>
        <select className="control" aria-label={label(o.comparison)} value={rule.comparison} onChange={(event) => { onChange({ comparison: event.target.value }); }}>
          {COMPARISONS.map((name) => (
            <option key={name} value={name}>
              {o.comparisons[name]}
            </option>
          ))}
        </select>
      </td>
      <td>
        <input className="control" aria-label={label(o.text)} required value={rule.text} onChange={(event) => { onChange({ text: event.target.value }); }} data-testid="rule-text" />
      </td>
      <td>
        <select className="control" aria-label={label(o.site)} required value={rule.site_id} onChange={(event) => { onChange({ site_id: event.target.value }); }} data-testid="rule-site">
          <option value="">–</option>
          {sites.map((site) => (
            <option key={site.id} value={site.id}>
              {site.name}
            </option>
          ))}
        </select>
      </td>
      <td>
        <input type="checkbox" aria-label={label(o.isOn)} checked={rule.is_enabled} onChange={(event) => { onChange({ is_enabled: event.target.checked }); }} />
      </td>
      <td>
        <span className="row-acts">
          <button type="button" className="button" aria-label={label(o.up)} disabled={number === 1} onClick={() => { onMove(-1); }}>
            ↑
          </button>
          <button type="button" className="button" aria-label={label(o.down)} disabled={number === count} onClick={() => { onMove(1); }}>
            ↓
          </button>
          <button type="button" className="button" aria-label={label(o.remove)} onClick={onRemove}>
            {o.remove}
          </button>
        </span>
      </td>
    </tr>
  );
}

function TryBox({ rules, sites, relays, elements }: { rules: RelayRuleView[]; sites: SiteView[]; relays: DeviceView[]; elements: string[] }) {
  const o = useRoomWords(words);
  const [device, setDevice] = useState('');
  const [element, setElement] = useState('InstitutionName');
  const [text, setText] = useState('');
  const [said, setSaid] = useState<string | null>(null);
  const attempt = useAction(async () => {
    const found = await originsApi.tryRules({ rules, elements: { [element]: text }, device_id: device });
    setSaid(found.rule === null ? o.tryNone : o.tryDecides(found.rule + 1, siteName(sites, found.site_id ?? '')));
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void attempt.run();
  };
  return (
    <form className="try-rules" onSubmit={submit} aria-label={o.tryTitle}>
      <p>{o.tryTitle}</p>
      <div className="section-acts">
        <SelectField label={o.device} value={device} onChange={(event) => { setDevice(event.target.value); }}>
          <option value="">{o.everyRelay}</option>
          {relays.map((one) => (
            <option key={one.id} value={one.id}>
              {one.name}
            </option>
          ))}
        </SelectField>
        <SelectField label={o.element} value={element} onChange={(event) => { setElement(event.target.value); }}>
          {elements.map((name) => (
            <option key={name} value={name}>
              {o.elementNames[name] ?? name}
            </option>
          ))}
        </SelectField>
        <TextField label={o.text} required value={text} onChange={(event) => { setText(event.target.value); }} data-testid="try-text" />
        <button type="submit" className="button" disabled={attempt.isBusy} data-testid="try-rules">
          {o.tryNow}
        </button>
      </div>
      <ProblemNote problem={attempt.problem} />
      <p role="status" data-testid="try-result">
        {said}
      </p>
    </form>
  );
}

function moved(rules: RelayRuleView[], index: number, by: number): RelayRuleView[] {
  const now = [...rules];
  const [rule] = now.splice(index, 1);
  if (rule !== undefined) now.splice(index + by, 0, rule);
  return now;
}
