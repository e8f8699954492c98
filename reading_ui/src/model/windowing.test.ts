import { describe, expect, it } from 'vitest';

import { drawnRows, pagesOf, rowAfterKey, scrollTopFor, visibleRows } from './windowing';

describe('the window over a long list', () => {
  it('draws what is seen and a few rows more, however long the list is', () => {
    const range = visibleRows(100_000, 640, 32, 10_000);
    expect(range).toEqual({ first: 3117, end: 3153 });
    expect(range.end - range.first).toBeLessThan(50);
  });

  it('stays inside the list at both ends', () => {
    expect(visibleRows(0, 640, 32, 3)).toEqual({ first: 0, end: 3 });
    expect(visibleRows(319_500, 640, 32, 10_000).end).toBe(10_000);
    expect(visibleRows(5000, 640, 32, 0)).toEqual({ first: 0, end: 0 });
  });

  it('survives a list that became shorter than the scroll position', () => {
    expect(visibleRows(100_000, 640, 32, 10)).toEqual({ first: 10, end: 10 });
  });

  it('keeps the focused row drawn when it is scrolled away', () => {
    expect(drawnRows({ first: 5, end: 8 }, 2)).toEqual([2, 5, 6, 7]);
    expect(drawnRows({ first: 5, end: 8 }, 90)).toEqual([5, 6, 7, 90]);
    expect(drawnRows({ first: 5, end: 8 }, 6)).toEqual([5, 6, 7]);
    expect(drawnRows({ first: 0, end: 0 }, null)).toEqual([]);
  });

  it('asks for the pages that it looks at', () => {
    expect(pagesOf({ first: 90, end: 130 }, 100)).toEqual([0, 1]);
    expect(pagesOf({ first: 100, end: 200 }, 100)).toEqual([1]);
    expect(pagesOf({ first: 0, end: 0 }, 100)).toEqual([]);
  });
});

describe('keys in the list', () => {
  it('move by one, by a page, and to both ends, never outside', () => {
    expect(rowAfterKey('ArrowDown', 4, 10, 5)).toBe(5);
    expect(rowAfterKey('ArrowUp', 0, 10, 5)).toBe(0);
    expect(rowAfterKey('PageDown', 7, 10, 5)).toBe(9);
    expect(rowAfterKey('Home', 7, 10, 5)).toBe(0);
    expect(rowAfterKey('End', 7, 10, 5)).toBe(9);
  });

  it('leave every other key to the page', () => {
    expect(rowAfterKey('a', 4, 10, 5)).toBeNull();
    expect(rowAfterKey('/', 4, 10, 5)).toBeNull();
    expect(rowAfterKey('ArrowDown', 0, 0, 5)).toBeNull();
  });

  it('scroll just as far as the row needs to be seen whole', () => {
    expect(scrollTopFor(2, 200, 640, 32, 32)).toBe(64);
    expect(scrollTopFor(10, 200, 640, 32, 32)).toBe(200);
    expect(scrollTopFor(30, 0, 640, 32, 32)).toBe(31 * 32 - 608);
  });
});
