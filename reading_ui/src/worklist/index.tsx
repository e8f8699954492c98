/** The one live list of films and ECGs that wait for an opinion. */
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';

import type { ReadingRow } from '../api/types';
import { useAnnounce } from '../app/announcer';
import { useNow } from '../app/clock';
import { useLive } from '../app/live';
import { prefetchViewers } from '../app/prefetch';
import { navigate, rememberList, useSearch } from '../app/router';
import { useSession } from '../app/session';
import { clockOf, isClosed } from '../model/due';
import { type Filters, filtersOf, isNarrowed, NO_FILTERS, searchOf } from '../model/filters';
import { Empty, ProblemNote } from '../parts/notes';
import { useFormat, useWords } from '../words';
import { columnsOf } from './columns';
import { FilterBar } from './filter_bar';
import { Grid } from './grid';
import { useReadingPages } from './pages';
import './worklist.css';

const LIST_EVENTS = new Set(['study', 'reading', 'report', 'arrival']);

/** The row last looked at, so that it has the focus again after a study is closed. */
let lastActive: { id: string; index: number } | null = null;

export function WorklistPage() {
  const w = useWords();
  const format = useFormat();
  const announce = useAnnounce();
  const { session } = useSession();
  const now_ms = useNow();
  const search = useSearch();
  const filters = useMemo(() => filtersOf(search), [search]);
  const pages = useReadingPages(filters);
  const [active, setActive] = useState(lastActive);
  const input = useRef<HTMLInputElement>(null);
  const sites = useSitesSeen(pages.total, pages.row);

  useEffect(() => { rememberList(`/worklist${searchOf(filters)}`); }, [filters]);
  useEffect(prefetchViewers, []);
  useLive((event) => LIST_EVENTS.has(event.kind), pages.reload);
  useSlashKey(input);

  const previous = useRef<{ key: string; total: number } | null>(null);
  useEffect(() => {
    if (pages.isFirstLoad) return;
    const known = previous.current;
    if (known !== null && known.key === search && known.total !== pages.total) announce(w.worklist.changed(pages.total));
    previous.current = { key: search, total: pages.total };
  }, [pages.isFirstLoad, pages.total, search, announce, w]);

  const change = (next: Filters): void => {
    // Typing replaces, choosing adds: the back key then walks through choices, not through letters.
    navigate(`/worklist${searchOf(next)}`, { replace: next.q !== filters.q });
  };
  const open = useCallback((row: ReadingRow) => { navigate(`/readings/${encodeURIComponent(row.id)}`); }, []);
  const activate = useCallback((id: string, index: number) => {
    lastActive = { id, index };
    setActive(lastActive);
  }, []);
  const arrived = active?.id === '' ? pages.row(active.index)?.id : undefined;
  useEffect(() => {
    if (arrived !== undefined && active !== null) activate(arrived, active.index);
  }, [arrived, active, activate]);
  const found = active === null || active.id === '' ? -1 : pages.indexOf(active.id);
  const placed = active === null ? null : { id: active.id, index: found >= 0 ? found : active.index };
  const columns = useMemo(
    () => columnsOf({ w, format, now_ms, userId: session.user_id }),
    [w, format, now_ms, session.user_id],
  );

  return (
    <div className="worklist" data-testid="worklist">
      <h1 className="visually-hidden">{w.worklist.title}</h1>
      <FilterBar filters={filters} counts={pages.counts} sites={sites} search={input} onChange={change} />
      <ProblemNote problem={pages.problem} onRetry={pages.reload} />
      {!pages.isFirstLoad && pages.total === 0 ? (
        <Empty>
          <p>{isNarrowed(filters) ? w.worklist.noMatch : w.worklist.nothing}</p>
          {isNarrowed(filters) ? (
            <button type="button" className="button" onClick={() => { change(NO_FILTERS); }}>
              {w.worklist.clear}
            </button>
          ) : (
            <p className="secondary">{w.worklist.nothingHint}</p>
          )}
        </Empty>
      ) : (
        <Grid
          label={w.worklist.title}
          columns={columns}
          total={pages.isFirstLoad ? (pages.problem ? 0 : 12) : pages.total}
          row={pages.row}
          idOf={(row) => row.id}
          classOf={(row) => rowClass(row, now_ms, session.user_id)}
          active={placed}
          onActive={activate}
          onOpen={open}
          onRange={pages.want}
        />
      )}
      <p className="worklist-foot secondary">
        <span>{!pages.isFirstLoad && w.worklist.total(pages.total)}</span>
        <span>{w.worklist.keys}</span>
      </p>
    </div>
  );
}

function rowClass(row: ReadingRow, now_ms: number, userId: string): string {
  const tone = isClosed(row.state) ? 'closed' : clockOf(row, now_ms).tone;
  const isOthers = row.claimed_by !== null && row.claimed_by !== userId;
  return `tone-${tone} row-${row.priority}${isOthers ? ' others' : ''}`;
}

/** "/" goes to the search box, unless somebody is typing. */
function useSlashKey(input: { current: HTMLInputElement | null }): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement | null;
      const isTyping = target?.matches('input, textarea, select, [contenteditable]') ?? false;
      if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      event.preventDefault();
      input.current?.focus();
      input.current?.select();
    };
    window.addEventListener('keydown', onKey);
    return () => { window.removeEventListener('keydown', onKey); };
  }, [input]);
}

/** The sites to choose from are those whose studies have been seen here: the scope is the server's matter. */
function useSitesSeen(total: number, row: (index: number) => ReadingRow | undefined): { id: string; name: string }[] {
  const seen = useRef(new Map<string, string>());
  const [sites, setSites] = useState<{ id: string; name: string }[]>([]);
  const first = row(0)?.id;
  useEffect(() => {
    const before = seen.current.size;
    for (let index = 0; index < Math.min(total, 500); index += 1) {
      const item = row(index);
      if (item !== undefined) seen.current.set(item.site_id, item.site_name);
    }
    if (seen.current.size === before) return;
    setSites(Array.from(seen.current, ([id, name]) => ({ id, name })).sort((a, b) => a.name.localeCompare(b.name)));
    // `row` is new with every answer; what it holds changes with the total or the first row.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [total, first]);
  return sites;
}
