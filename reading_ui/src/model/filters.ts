/**
 * The worklist's filters live in the address, so that a reload, a bookmark and the back key keep them.
 */
export interface Filters {
  /** "" is everything; "open" is everything that somebody still has to do. */
  state: string;
  modality: string;
  site: string;
  kind: string;
  priority: string;
  mine: boolean;
  q: string;
}

export const OPEN_STATES = ['unread', 'rejected', 'in_progress', 'awaiting_review', 'in_review'] as const;

export const STATE_TABS = [
  'open',
  'unread',
  'rejected',
  'in_progress',
  'awaiting_review',
  'in_review',
  'final',
  'returned',
  'all',
] as const;

export type StateTab = (typeof STATE_TABS)[number];

export const NO_FILTERS: Filters = { state: 'open', modality: '', site: '', kind: '', priority: '', mine: false, q: '' };

const KINDS = new Set(['image', 'ecg']);
const PRIORITIES = new Set(['emergency', 'urgent', 'routine']);

export function filtersOf(search: string): Filters {
  const given = new URLSearchParams(search);
  const known = (key: string, values: ReadonlySet<string>): string => {
    const value = given.get(key) ?? '';
    return values.has(value) ? value : '';
  };
  return {
    state: known('state', new Set(STATE_TABS)) || NO_FILTERS.state,
    modality: given.get('modality') ?? '',
    site: given.get('site') ?? '',
    kind: known('kind', KINDS),
    priority: known('priority', PRIORITIES),
    mine: given.get('mine') === '1',
    q: given.get('q') ?? '',
  };
}

/** The address's query for these filters, "" when none is set. */
export function searchOf(filters: Filters): string {
  const pairs: [string, string][] = [];
  if (filters.state !== NO_FILTERS.state) pairs.push(['state', filters.state]);
  for (const key of ['modality', 'site', 'kind', 'priority', 'q'] as const) {
    if (filters[key] !== '') pairs.push([key, filters[key]]);
  }
  if (filters.mine) pairs.push(['mine', '1']);
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs).toString()}`;
}

/** The states that the server is asked for. */
export function statesOf(tab: string): string {
  if (tab === 'all') return '';
  return tab === 'open' ? OPEN_STATES.join(',') : tab;
}

export function countOf(tab: string, counts: Record<string, number>): number {
  if (tab === 'all') return Object.values(counts).reduce((sum, count) => sum + count, 0);
  if (tab === 'open') return OPEN_STATES.reduce((sum, state) => sum + (counts[state] ?? 0), 0);
  return counts[tab] ?? 0;
}

export function isNarrowed(filters: Filters): boolean {
  return filters.modality + filters.site + filters.kind + filters.priority + filters.q !== '' || filters.mine;
}
