/** What came in and could not be taken as it was: kept whole, listed by reason, and decided by a person. */
import { useState } from 'react';

import { admin as api, quarantine } from '../api/endpoints';
import type { QuarantineList } from '../api/types';
import { useLive } from '../app/live';
import { type Resource, useResource } from '../app/resource';
import { Link, useSearch } from '../app/router';
import { SelectField, TextField } from '../parts/field';
import { Note } from '../parts/notes';
import { said, useFormat } from '../words';
import { useRoomWords } from '../words/language';
import { siteName } from './choices';
import { ArrivalPage } from './quarantine_arrival';
import * as words from './words_quarantine';
import { Table } from './table';
import { useAdminWords } from './use_words';
import './quarantine.css';

export function QuarantineSection() {
  const arrival = new URLSearchParams(useSearch()).get('arrival');
  return arrival === null ? <QuarantineLists /> : <ArrivalPage key={arrival} arrivalId={arrival} />;
}

function QuarantineLists() {
  const a = useAdminWords();
  const q = useRoomWords(words);
  const format = useFormat();
  const [asked, setAsked] = useState({ state: 'open', reason: '', site: '', q: '' });
  const sites = useResource(api.sites, 'sites');
  const found = useResource((signal) => quarantine.list(asked, signal), `quarantine:${JSON.stringify(asked)}`);
  useLive((event) => event.kind === 'arrival' || event.kind === 'alarm', found.reload);
  const set = (change: Partial<typeof asked>): void => { setAsked({ ...asked, ...change }); };
  const reasons = found.data?.reasons ?? [];
  const isListed = asked.reason === '' || reasons.some((one) => one.reason === asked.reason);
  return (
    <>
      <Note tone="plain">{q.hint}</Note>
      <div className="quarantine-filters" role="search">
        <SelectField label={q.state} value={asked.state} onChange={(event) => { set({ state: event.target.value, reason: '' }); }} data-testid="quarantine-state">
          {['open', 'decided', 'all'].map((state) => (
            <option key={state} value={state}>
              {said(q.states, state)}
            </option>
          ))}
        </SelectField>
        <SelectField label={a.reason} value={asked.reason} onChange={(event) => { set({ reason: event.target.value }); }} data-testid="quarantine-reason">
          <option value="">{q.allReasons}</option>
          {!isListed && <option value={asked.reason}>{said(q.reasons, asked.reason)}</option>}
          {reasons.map(({ reason, count }) => (
            <option key={reason} value={reason}>
              {said(q.reasons, reason)} ({count})
            </option>
          ))}
        </SelectField>
        <SelectField label={a.site} value={asked.site} onChange={(event) => { set({ site: event.target.value }); }} data-testid="quarantine-site">
          <option value="">{q.allSites}</option>
          {(sites.data ?? []).map((site) => (
            <option key={site.id} value={site.id}>
              {site.name}
            </option>
          ))}
        </SelectField>
        <TextField label={q.search} type="search" value={asked.q} onChange={(event) => { set({ q: event.target.value }); }} data-testid="quarantine-search" />
      </div>
      {found.data !== null && <p className="secondary" aria-live="polite">{q.found(found.data.arrivals.length, found.data.total)}</p>}
      <Table
        label={a.sections.quarantine}
        list={arrivalsOf(found)}
        idOf={(arrival) => arrival.id}
        nothing={q.none}
        columns={[
          { title: a.at, cell: (arrival) => format.when(arrival.at) },
          {
            title: a.reason,
            cell: (arrival) => (
              <Link className="quarantine-reason" href={`/admin/quarantine?arrival=${encodeURIComponent(arrival.id)}`} data-testid="open-arrival">
                <b>{said(q.reasons, arrival.reason)}</b>
              </Link>
            ),
          },
          { title: a.site, cell: (arrival) => siteName(sites.data, arrival.site_id) },
          {
            title: a.from,
            cell: (arrival) => (
              <span className="wrap">{[arrival.calling_ae_title, arrival.address, arrival.file_name].filter((part) => part !== '').join(' · ')}</span>
            ),
          },
          { title: a.via, cell: (arrival) => arrival.via },
          { title: a.size, cell: (arrival) => format.bytes(arrival.size_bytes), isNumber: true },
          { title: q.state, cell: (arrival) => said(q.states, arrival.resolved_at === null ? 'open' : 'decided') },
        ]}
      />
    </>
  );
}

function arrivalsOf(found: Resource<QuarantineList>): Resource<QuarantineList['arrivals']> {
  return { ...found, data: found.data?.arrivals ?? null, replace: () => undefined };
}
