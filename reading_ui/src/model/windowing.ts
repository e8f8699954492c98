/**
 * Which rows of a long list are drawn, and which pages of it must be there. Heights in CSS pixels.
 */
export interface RowRange {
  first: number;
  /** One past the last row. */
  end: number;
}

export function visibleRows(scrollTop_px: number, height_px: number, row_px: number, total: number, spare = 8): RowRange {
  const first = Math.max(0, Math.min(total, Math.floor(scrollTop_px / row_px) - spare));
  const end = Math.max(first, Math.min(total, Math.ceil((scrollTop_px + height_px) / row_px) + spare));
  return { first, end };
}

/** Rows to draw: the visible ones, and the focused one even when it is scrolled away, so that focus is never lost. */
export function drawnRows(range: RowRange, focused: number | null): number[] {
  const rows = Array.from({ length: range.end - range.first }, (_, index) => range.first + index);
  if (focused === null || focused < 0 || (focused >= range.first && focused < range.end)) return rows;
  return focused < range.first ? [focused, ...rows] : [...rows, focused];
}

export function pagesOf(range: RowRange, pageSize: number): number[] {
  if (range.end <= range.first) return [];
  const first = Math.floor(range.first / pageSize);
  const last = Math.floor((range.end - 1) / pageSize);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** Where to scroll so that a row stands fully between the sticky header and the lower edge. */
export function scrollTopFor(row: number, scrollTop_px: number, height_px: number, row_px: number, header_px: number): number {
  const top_px = row * row_px;
  if (top_px < scrollTop_px) return top_px;
  const room_px = height_px - header_px;
  return top_px + row_px > scrollTop_px + room_px ? top_px + row_px - room_px : scrollTop_px;
}

/** Moves the focus by a key; null when the key is none of the list's. */
export function rowAfterKey(key: string, row: number, total: number, pageRows: number): number | null {
  if (total === 0) return null;
  const moves: Record<string, number> = {
    ArrowDown: row + 1,
    ArrowUp: row - 1,
    Home: 0,
    End: total - 1,
    PageDown: row + pageRows,
    PageUp: row - pageRows,
  };
  const next = moves[key];
  return next === undefined ? null : Math.max(0, Math.min(total - 1, next));
}
