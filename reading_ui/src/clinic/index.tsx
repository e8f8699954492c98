/** The clinic's page: what became of what we sent? Made for a phone in one hand; a table where there is room. */
import { useEffect, useRef, useState } from 'react';

import { clinic as api } from '../api/endpoints';
import type { ClinicRow } from '../api/types';
import { useAnnounce } from '../app/announcer';
import { useLive } from '../app/live';
import { useResource } from '../app/resource';
import { TextField } from '../parts/field';
import { Empty, Loading, ProblemNote } from '../parts/notes';
import { RetakeCards } from '../quality/clinic_cards';
import { useFormat } from '../words';
import { StudyCard } from './card';
import { ReportSheet } from './report_sheet';
import { useClinicWords } from './use_words';
import './clinic.css';

const PAGE = 50;
const TYPING_MS = 250;

export default function ClinicPage() {
  const w = useClinicWords();
  const format = useFormat();
  const announce = useAnnounce();
  const [typed, setTyped] = useState('');
  const [q, setQ] = useState('');
  const [limit, setLimit] = useState(PAGE);
  const [openId, setOpenId] = useState<string | null>(null);
  useEffect(() => {
    const timer = setTimeout(() => { setQ(typed.trim()); }, TYPING_MS);
    return () => { clearTimeout(timer); };
  }, [typed]);
  const list = useResource((signal) => api.studies({ q, limit, offset: 0 }, signal), JSON.stringify([q, limit]));
  useLive(() => true, list.reload);

  const kept = useRef<ClinicRow[]>([]);
  const known = useRef<Map<string, string> | null>(null);
  const advised = useRef<Set<string>>(new Set());
  useEffect(() => {
    if (list.data === null) return;
    kept.current = list.data.items;
    const before = known.current;
    known.current = new Map(list.data.items.map((row) => [row.study_id, row.step]));
    const poor = list.data.items.filter((row) => row.is_repeat_advised && row.report_id === null);
    const unheard = poor.filter((row) => !advised.current.has(row.study_id));
    advised.current = new Set(poor.map((row) => row.study_id));
    if (before === null) return;
    for (const row of unheard) announce(w.clinic.repeat(row.patient.name.display));
    for (const row of list.data.items) {
      if (row.step === 'report_ready' && before.get(row.study_id) !== 'report_ready' && before.has(row.study_id)) {
        announce(w.clinic.ready(row.patient.name.display));
      }
    }
  }, [list.data, announce, w]);

  const items = list.data?.items ?? kept.current;
  const opened = items.find((row) => row.study_id === openId) ?? null;
  return (
    <div className="clinic" data-testid="clinic">
      <header>
        <h1>
          {w.clinic.title} {list.data !== null && <span className="secondary">{list.data.site_name}</span>}
        </h1>
        <TextField label={w.common.search} type="search" placeholder={w.clinic.search} value={typed} onChange={(event) => { setTyped(event.target.value); }} data-testid="clinic-search" />
      </header>
      <RetakeCards />
      <ProblemNote problem={list.problem} onRetry={list.reload} />
      {list.data === null && list.isLoading && items.length === 0 ? (
        <Loading />
      ) : items.length === 0 && list.problem === null ? (
        <Empty>
          <p>{q === '' ? w.clinic.nothing : w.clinic.noMatch}</p>
          {q === '' && <p className="secondary">{w.clinic.nothingHint}</p>}
        </Empty>
      ) : (
        <ul className="clinic-list">
          {items.map((row) => (
            <StudyCard key={row.study_id} row={row} onOpen={() => { setOpenId(row.study_id); }} onChanged={list.reload} />
          ))}
        </ul>
      )}
      {list.data !== null && list.data.total > list.data.items.length && (
        <button type="button" className="button wide" onClick={() => { setLimit(limit + PAGE); }}>
          {w.clinic.more} · {w.clinic.total(list.data.total)}
        </button>
      )}
      {opened?.report_id != null && (
        <ReportSheet
          row={opened}
          reportId={opened.report_id}
          title={w.clinic.reportOf(`${opened.patient.name.display} ${format.sex(opened.patient.sex)} ${format.age(opened.age_years)}`)}
          onClose={() => {
            setOpenId(null);
            list.reload();
          }}
          onChanged={list.reload}
        />
      )}
    </div>
  );
}
