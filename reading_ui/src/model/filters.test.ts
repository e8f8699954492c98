import { describe, expect, it } from 'vitest';

import { countOf, type Filters, filtersOf, isNarrowed, NO_FILTERS, searchOf, statesOf } from './filters';

const all: Filters = { state: 'in_review', modality: 'CT', site: 'yangchang', kind: 'image', priority: 'urgent', mine: true, q: '演示 A&B=1' };

describe('filters in the address', () => {
  it('come back from the address exactly as they went in', () => {
    expect(filtersOf(searchOf(all))).toEqual(all);
  });

  it('leave a clean address when none is set', () => {
    expect(searchOf(NO_FILTERS)).toBe('');
    expect(filtersOf('')).toEqual(NO_FILTERS);
  });

  it('ignore values that mean nothing instead of asking the server for them', () => {
    expect(filtersOf('?state=nonsense&kind=video&priority=high&mine=yes')).toEqual(NO_FILTERS);
  });

  it('keep a modality and a site that this screen has never seen', () => {
    expect(filtersOf('?modality=NM&site=new')).toMatchObject({ modality: 'NM', site: 'new' });
  });

  it('count as narrowed by anything but the state', () => {
    expect(isNarrowed({ ...NO_FILTERS, state: 'final' })).toBe(false);
    expect(isNarrowed({ ...NO_FILTERS, mine: true })).toBe(true);
    expect(isNarrowed({ ...NO_FILTERS, q: 'x' })).toBe(true);
  });
});

describe('state tabs', () => {
  const counts = { unread: 3, in_progress: 1, awaiting_review: 2, final: 40, returned: 1 };

  it('ask for every state in which somebody still has something to do', () => {
    expect(statesOf('open').split(',')).toEqual(['unread', 'rejected', 'in_progress', 'awaiting_review', 'in_review']);
    expect(statesOf('all')).toBe('');
    expect(statesOf('final')).toBe('final');
  });

  it('add up their counts', () => {
    expect(countOf('open', counts)).toBe(6);
    expect(countOf('all', counts)).toBe(47);
    expect(countOf('rejected', counts)).toBe(0);
  });
});
