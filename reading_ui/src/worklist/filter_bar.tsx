/** The filters above the list. Every change goes into the address; typing waits a moment before it asks. */
import { type RefObject, useEffect, useRef, useState } from 'react';

import { countOf, type Filters, isNarrowed, NO_FILTERS, STATE_TABS } from '../model/filters';
import { CheckField } from '../parts/field';
import { Icon } from '../parts/icons';
import { useWords } from '../words';

const TYPING_MS = 250;
const MODALITIES = ['DX', 'CR', 'CT', 'MR', 'US', 'MG', 'RF', 'XA', 'ES', 'ECG'];

interface FilterBarProps {
  filters: Filters;
  counts: Record<string, number>;
  sites: { id: string; name: string }[];
  search: RefObject<HTMLInputElement | null>;
  onChange: (filters: Filters) => void;
}

export function FilterBar({ filters, counts, sites, search, onChange }: FilterBarProps) {
  const w = useWords();
  const set = (change: Partial<Filters>): void => { onChange({ ...filters, ...change }); };
  const tabWord = (tab: string): string => (tab === 'open' ? w.worklist.open : tab === 'all' ? w.worklist.all : (w.common.state[tab] ?? tab));
  return (
    <div className="filter-bar" role="search" aria-label={w.worklist.filters}>
      <div className="state-tabs" role="group" aria-label={w.worklist.states}>
        {STATE_TABS.map((tab) => (
          <button key={tab} type="button" aria-pressed={filters.state === tab} onClick={() => { set({ state: tab }); }} data-testid={`tab-${tab}`}>
            {tabWord(tab)} <span className="count">{countOf(tab, counts)}</span>
          </button>
        ))}
      </div>
      <div className="filter-fields">
        <Choice label={w.worklist.priorityFilter} value={filters.priority} any={w.worklist.anyPriority} onChange={(priority) => { set({ priority }); }}
          options={Object.entries(w.common.priority)} />
        <Choice label={w.worklist.kind} value={filters.kind} any={w.worklist.anyKind} onChange={(kind) => { set({ kind }); }}
          options={[['image', w.common.kindImage], ['ecg', w.common.kindEcg]]} />
        <Choice label={w.worklist.modality} value={filters.modality} any={w.worklist.anyModality} onChange={(modality) => { set({ modality }); }}
          options={MODALITIES.map((code) => [code, code])} />
        <Choice label={w.worklist.site} value={filters.site} any={w.worklist.anySite} onChange={(site) => { set({ site }); }}
          options={sites.map((site) => [site.id, site.name])} />
        <CheckField label={w.worklist.mine} checked={filters.mine} onChange={(event) => { set({ mine: event.target.checked }); }} />
        <SearchBox value={filters.q} input={search} onSearch={(q) => { set({ q }); }} />
        {isNarrowed(filters) && (
          <button type="button" className="button bare" onClick={() => { onChange({ ...NO_FILTERS, state: filters.state }); }}>
            {w.worklist.clear}
          </button>
        )}
      </div>
    </div>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  any: string;
  options: [string, string][];
  onChange: (value: string) => void;
}

function Choice({ label, value, any, options, onChange }: ChoiceProps) {
  const isListed = value === '' || options.some(([code]) => code === value);
  return (
    <select className="control" aria-label={label} value={value} data-active={value !== ''} onChange={(event) => { onChange(event.target.value); }}>
      <option value="">{any}</option>
      {options.map(([code, word]) => (
        <option key={code} value={code}>
          {word}
        </option>
      ))}
      {!isListed && <option value={value}>{value}</option>}
    </select>
  );
}

function SearchBox({ value, input, onSearch }: { value: string; input: RefObject<HTMLInputElement | null>; onSearch: (q: string) => void }) {
  const w = useWords();
  const [typed, setTyped] = useState(value);
  const [isComposing, setComposing] = useState(false);
  const latest = useRef({ value, onSearch });
  useEffect(() => {
    latest.current = { value, onSearch };
  });
  useEffect(() => { setTyped(value); }, [value]);
  useEffect(() => {
    if (isComposing) return undefined;
    const timer = setTimeout(() => {
      if (typed.trim() !== latest.current.value) latest.current.onSearch(typed.trim());
    }, TYPING_MS);
    return () => { clearTimeout(timer); };
  }, [typed, isComposing]);
  return (
    <span className="search-box">
      <Icon name="search" />
      <input
        ref={input}
        type="search"
        className="control"
        aria-label={w.worklist.searchHint}
        placeholder={w.worklist.searchHint}
        value={typed}
        onChange={(event) => { setTyped(event.target.value); }}
        onCompositionStart={() => { setComposing(true); }}
        onCompositionEnd={() => { setComposing(false); }}
        data-testid="worklist-search"
      />
    </span>
  );
}
