/**
 * A windowed ARIA grid: ten thousand rows cost as much as thirty. One row has the focus and keeps it, by its id,
 * when news move it to another place.
 */
import { type KeyboardEvent, type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react';

import { drawnRows, rowAfterKey, type RowRange, scrollTopFor, visibleRows } from '../model/windowing';

export interface Column<T> {
  id: string;
  title: string;
  /** A CSS grid track. */
  width: string;
  cell: (row: T) => ReactNode;
}

interface GridProps<T> {
  label: string;
  columns: Column<T>[];
  total: number;
  row: (index: number) => T | undefined;
  idOf: (row: T) => string;
  classOf: (row: T) => string;
  active: { id: string; index: number } | null;
  /** The id is "" while the row is still being fetched. */
  onActive: (id: string, index: number) => void;
  onOpen: (row: T) => void;
  onRange: (range: RowRange) => void;
}

export const ROW_PX = 32;
export const HEADER_PX = 32;

export function Grid<T>({ label, columns, total, row, idOf, classOf, active, onActive, onOpen, onRange }: GridProps<T>) {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top_px: 0, height_px: 600 });
  const range = visibleRows(view.top_px, view.height_px, ROW_PX, total);
  const pressed = useRef<string | null>(null);
  const isMovingFocus = useRef(false);
  const isWithin = useRef(false);

  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const measure = (): void => { setView((old) => ({ ...old, height_px: element.clientHeight })); };
    const watcher = new ResizeObserver(measure);
    watcher.observe(element);
    measure();
    return () => { watcher.disconnect(); };
  }, []);

  useEffect(() => {
    onRange({ first: range.first, end: range.end });
  }, [onRange, range.first, range.end]);

  const focused = active === null ? 0 : Math.min(active.index, total - 1);
  useEffect(() => {
    // A row that was still being fetched is drawn anew when it arrives; the focus that it had must not fall to the page.
    const isLost = isWithin.current && document.activeElement === document.body;
    if (!isMovingFocus.current && !isLost) return;
    isMovingFocus.current = false;
    box.current?.querySelector<HTMLElement>('[role="row"][tabindex="0"]')?.focus({ preventScroll: true });
  });

  const moveTo = (index: number): void => {
    const element = box.current;
    const target = row(index);
    if (element === null) return;
    element.scrollTop = scrollTopFor(index, element.scrollTop, element.clientHeight, ROW_PX, HEADER_PX);
    isMovingFocus.current = true;
    onActive(target === undefined ? '' : idOf(target), index);
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === 'Enter') {
      const target = row(focused);
      if (target !== undefined) onOpen(target);
      event.preventDefault();
      return;
    }
    const pageRows = Math.max(1, Math.floor((view.height_px - HEADER_PX) / ROW_PX) - 1);
    const next = rowAfterKey(event.key, focused, total, pageRows);
    if (next === null) return;
    event.preventDefault();
    moveTo(next);
  };

  const tracks = { gridTemplateColumns: columns.map((column) => column.width).join(' ') };
  return (
    <div
      ref={box}
      className="grid"
      role="grid"
      aria-label={label}
      aria-rowcount={total + 1}
      aria-colcount={columns.length}
      onScroll={(event) => { setView({ top_px: event.currentTarget.scrollTop, height_px: event.currentTarget.clientHeight }); }}
      onKeyDown={onKeyDown}
      onFocus={() => {
        isWithin.current = true;
      }}
      onBlur={(event) => {
        if (event.relatedTarget !== null) isWithin.current = event.currentTarget.contains(event.relatedTarget);
      }}
      data-testid="worklist-grid"
    >
      <div role="rowgroup" className="grid-head">
        <div role="row" aria-rowindex={1} className="grid-row" style={tracks}>
          {columns.map((column, index) => (
            <div key={column.id} role="columnheader" aria-colindex={index + 1}>
              {column.title}
            </div>
          ))}
        </div>
      </div>
      <div role="rowgroup" className="grid-body" style={{ height: total * ROW_PX }}>
        {drawnRows(range, total === 0 ? null : focused).map((index) => {
          const item = row(index);
          const id = item === undefined ? `waiting-${String(index)}` : idOf(item);
          return (
            <div
              key={id}
              role="row"
              aria-rowindex={index + 2}
              aria-selected={active?.id === id}
              tabIndex={index === focused ? 0 : -1}
              className={`grid-row ${item === undefined ? 'waiting' : classOf(item)}`}
              style={{ ...tracks, transform: `translateY(${String(index * ROW_PX)}px)` }}
              data-testid={item === undefined ? undefined : 'worklist-row'}
              data-id={id}
              onMouseDown={() => {
                if (item !== undefined) onActive(id, index);
              }}
              onClick={(event) => {
                // The list may move between the two clicks: only the row that both have hit opens.
                if (event.detail === 1) pressed.current = id;
              }}
              onDoubleClick={() => {
                if (item !== undefined && pressed.current === id) onOpen(item);
              }}
            >
              {columns.map((column, at) => (
                <div key={column.id} role="gridcell" aria-colindex={at + 1} className={`cell-${column.id}`}>
                  {item === undefined ? <span className="bone" /> : column.cell(item)}
                </div>
              ))}
            </div>
          );
        })}
      </div>
    </div>
  );
}
