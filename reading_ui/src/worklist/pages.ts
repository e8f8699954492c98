/**
 * The list in pages: only what is looked at is fetched, and news fetch it anew without emptying the screen.
 */
import { useCallback, useEffect, useRef, useState } from 'react';

import { readings as api } from '../api/endpoints';
import type { ApiProblem } from '../api/http';
import type { ReadingRow } from '../api/types';
import { problemFrom } from '../app/resource';
import { type Filters, statesOf } from '../model/filters';
import { pagesOf, type RowRange } from '../model/windowing';

export const PAGE_ROWS = 100;

export interface ReadingPages {
  total: number;
  counts: Record<string, number>;
  row: (index: number) => ReadingRow | undefined;
  indexOf: (id: string) => number;
  problem: ApiProblem | null;
  /** True until the first answer for these filters. */
  isFirstLoad: boolean;
  want: (range: RowRange) => void;
  reload: () => void;
}

interface Held {
  key: string;
  total: number;
  counts: Record<string, number>;
  pages: ReadonlyMap<number, ReadingRow[]>;
  problem: ApiProblem | null;
  isLoaded: boolean;
}

const NOTHING = { total: 0, counts: {}, pages: new Map<number, ReadingRow[]>(), problem: null, isLoaded: false };

export function useReadingPages(filters: Filters): ReadingPages {
  const key = JSON.stringify(filters);
  const [held, setHeld] = useState<Held>({ key, ...NOTHING });
  const wanted = useRef<number[]>([0]);
  const running = useRef(new Set<string>());
  const again = useRef(new Set<number>());
  const currentKey = useRef(key);

  const fetchPage = useCallback((page: number, forKey: string): void => {
    const mark = `${forKey}#${String(page)}`;
    if (running.current.has(mark)) {
      again.current.add(page);
      return;
    }
    running.current.add(mark);
    const asked = JSON.parse(forKey) as Filters;
    api
      .list({ ...asked, state: statesOf(asked.state) }, PAGE_ROWS, page * PAGE_ROWS)
      .then((list) => {
        if (currentKey.current !== forKey) return;
        setHeld((old) => {
          const kept = old.key === forKey ? old.pages : new Map<number, ReadingRow[]>();
          return { key: forKey, total: list.total, counts: list.counts, pages: new Map(kept).set(page, list.items), problem: null, isLoaded: true };
        });
      })
      .catch((error: unknown) => {
        if (currentKey.current === forKey) setHeld((old) => ({ ...old, problem: problemFrom(error) }));
      })
      .finally(() => {
        running.current.delete(mark);
        if (again.current.delete(page) && currentKey.current === forKey) fetchPage(page, forKey);
      });
  }, []);

  const reload = useCallback(() => {
    for (const page of wanted.current) fetchPage(page, currentKey.current);
  }, [fetchPage]);

  useEffect(() => {
    currentKey.current = key;
    wanted.current = [0];
    again.current.clear();
    fetchPage(0, key);
  }, [key, fetchPage]);

  const want = useCallback(
    (range: RowRange) => {
      const pages = pagesOf(range, PAGE_ROWS);
      if (pages.length === 0) return;
      const fresh = pages.filter((page) => !wanted.current.includes(page));
      wanted.current = pages;
      for (const page of fresh) fetchPage(page, currentKey.current);
    },
    [fetchPage],
  );

  const isCurrent = held.key === key;
  // While other filters load, the tabs keep their counts; the rows of other filters are never shown as theirs.
  const pages = isCurrent ? held.pages : NOTHING.pages;
  return {
    total: isCurrent ? held.total : 0,
    counts: held.counts,
    problem: held.problem,
    isFirstLoad: !isCurrent || !held.isLoaded,
    row: (index) => pages.get(Math.floor(index / PAGE_ROWS))?.[index % PAGE_ROWS],
    indexOf: (id) => {
      for (const [page, rows] of pages) {
        const at = rows.findIndex((row) => row.id === id);
        if (at >= 0) return page * PAGE_ROWS + at;
      }
      return -1;
    },
    want,
    reload,
  };
}
