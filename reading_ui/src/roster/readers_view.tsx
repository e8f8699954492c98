/** The readers: what each can read, whether they are there, and how much they have in hand. */
import { useState } from 'react';

import { admin } from '../api/endpoints';
import { readers as api } from '../api/roster';
import type { ReaderProfileView, ReaderView, SiteView } from '../api/types';
import { Table } from '../admin/table';
import { useLive } from '../app/live';
import { useResource } from '../app/resource';
import { said, useFormat } from '../words';
import { ProfileDialog } from './profile_dialog';
import { type RosterWords, useRosterWords } from './use_words';

export function ReadersView({ isAdmin }: { isAdmin: boolean }) {
  const r = useRosterWords();
  const format = useFormat();
  const list = useResource(api.all, 'readers');
  const sites = useResource<SiteView[]>((signal) => (isAdmin ? admin.sites(signal) : Promise.resolve([])), 'sites');
  const [changed, setChanged] = useState<ReaderView | null>(null);
  useLive((event) => event.kind === 'reader' || event.kind === 'roster', list.reload);
  const siteName = (id: string): string => sites.data?.find((site) => site.id === id)?.name ?? id;
  return (
    <div className="roster-readers">
      <Table
        label={r.tabs.readers}
        list={list}
        idOf={(reader) => reader.user_id}
        nothing={r.nothing}
        columns={[
          { title: r.name, cell: (reader) => <><b>{reader.name}</b> <span className="secondary">{reader.login}</span></> },
          { title: r.state, cell: (reader) => <Presence reader={reader} since={reader.presence_since === null ? '' : format.when(reader.presence_since)} /> },
          { title: r.onDutyIn, cell: (reader) => reader.duty_groups.join(', ') || r.none },
          { title: r.open, isNumber: true, cell: (reader) => openOf(reader) },
          { title: r.profile, cell: (reader) => <span className="wrap">{skillsOf(reader.profile, r, siteName)}</span> },
          ...(isAdmin
            ? [{
                title: '',
                cell: (reader: ReaderView) => (
                  <button type="button" className="button" onClick={() => { setChanged(reader); }} data-testid="change-profile">
                    {reader.profile === null ? r.setProfile : r.change}
                  </button>
                ),
              }]
            : []),
        ]}
      />
      {changed !== null && <ProfileDialog reader={changed} sites={sites.data ?? []} onClose={() => { setChanged(null); }} onDone={list.reload} />}
    </div>
  );
}

function Presence({ reader, since }: { reader: ReaderView; since: string }) {
  const r = useRosterWords();
  return (
    <span className="presence-cell">
      <span className={`dot ${reader.presence}`} aria-hidden /> {reader.is_on_leave ? r.onLeave : said(r.presence, reader.presence)}
      {since !== '' && !reader.is_on_leave && <span className="secondary">{r.since(since)}</span>}
    </span>
  );
}

function openOf(reader: ReaderView): string {
  const limit = reader.profile?.max_open ?? 0;
  return limit === 0 ? String(reader.open_count) : `${String(reader.open_count)} / ${String(limit)}`;
}

/** In one line: only what restricts. */
function skillsOf(profile: ReaderProfileView | null, r: RosterWords, siteName: (id: string) => string): string {
  if (profile === null) return r.noProfile;
  const parts = [said(r.grades, profile.grade)];
  parts.push(`${r.modalities}: ${profile.modalities.join(' ') || r.all}`);
  if (profile.body_parts.length > 0) parts.push(`${r.bodyParts}: ${profile.body_parts.join(' ')}`);
  parts.push(`${r.readsEcg}: ${profile.reads_ecg ? r.yes : r.no}`);
  if (profile.site_ids.length > 0) parts.push(`${r.sites}: ${profile.site_ids.map(siteName).join('、')}`);
  return parts.join(' · ');
}
