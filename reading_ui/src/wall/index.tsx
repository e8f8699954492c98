/** The wall screen of an ECG centre: the newest traces, emergencies first, readable across the room. Read-only. */
import { useEffect, useLayoutEffect, useRef, useState } from 'react';

import { useSearch } from '../app/router';
import { Icon } from '../parts/icons';
import { useFormat } from '../words';
import { useRoomWords } from '../words/language';
import { Bar, Menu, toggleFullScreen } from './bar';
import { Cell } from './cell';
import { gatewayNow, isFresh as isFreshAt } from './freshness';
import { settingsOf } from './settings';
import { sizesOf } from './sizes';
import { useAlarm } from './use_alarm';
import { useSteadyClock, useWall } from './use_wall';
import './tokens.css';
import './wall.css';
import * as words from './words';

const GAP_PX = 8;

export default function WallPage() {
  const w = useRoomWords(words);
  const format = useFormat();
  const settings = settingsOf(useSearch());
  const places = settings.columns * settings.rows;
  const { view, heard, returns } = useWall(places);
  const clock_ms = useSteadyClock();
  const [isMenuOpen, setMenuOpen] = useState(false);
  const grid = useRef<HTMLElement>(null);
  const [room, setRoom] = useState({ pageWidthPx: window.innerWidth, widthPx: 0, heightPx: 0 });
  const isFresh = heard !== null && isFreshAt(heard, clock_ms);
  const now_ms = heard === null ? Date.now() : gatewayNow(heard, Math.max(clock_ms, heard.at_ms));
  const alarm = useAlarm((view?.items ?? []).filter((item) => item.is_alarming).map((item) => item.study_id), now_ms);
  const box = {
    widthPx: (room.widthPx - (settings.columns - 1) * GAP_PX) / settings.columns,
    heightPx: (room.heightPx - (settings.rows - 1) * GAP_PX) / settings.rows,
  };
  // By the cell of an undisturbed page, so that a banner never changes the size of what hangs there.
  const sizes = sizesOf(settings.screen, room.pageWidthPx, {
    widthPx: room.pageWidthPx / settings.columns, heightPx: (window.innerHeight * 0.94) / settings.rows,
  });

  useLayoutEffect(() => {
    const element = grid.current;
    if (element === null) return undefined;
    const measure = () => { setRoom({ pageWidthPx: window.innerWidth, widthPx: element.clientWidth, heightPx: element.clientHeight }); };
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    measure();
    return () => { watch.disconnect(); };
  }, []);
  useKeys({ f: toggleFullScreen, m: alarm.toggleMute, s: () => { setMenuOpen((open) => !open); } });
  useEffect(() => {
    document.title = w.title;
  }, [w]);

  const font = { '--wall-main': `${String(sizes.mainPx)}px`, '--wall-small': `${String(sizes.smallPx)}px` } as React.CSSProperties;
  const gridStyle = { gap: GAP_PX, gridTemplateColumns: `repeat(${String(settings.columns)}, minmax(0, 1fr))`, gridTemplateRows: `repeat(${String(settings.rows)}, minmax(0, 1fr))` };
  const isLost = heard !== null && !isFresh;
  return (
    <div className={`wall${isLost ? ' stale' : ''}`} style={font} data-testid="wall" data-fresh={isFresh}>
      <h1 className="visually-hidden">{w.title}</h1>
      {isLost && (
        <div className="wall-lost" role="alert" data-testid="wall-lost">
          <strong><Icon name="warning" /> {w.lost(format.clockTime(new Date(heard.gateway_ms).toISOString()))}</strong>
          <span>{w.lostHint}</span>
        </div>
      )}
      <main className="wall-grid" ref={grid} style={gridStyle} tabIndex={-1}>
        {view === null && <p className="wall-empty">{w.connecting}</p>}
        {view?.items.length === 0 && <p className="wall-empty">{w.nothing}</p>}
        {box.heightPx > 0 && view?.items.slice(0, places).map((item) => (
          <Cell key={item.study_id} item={item} now_ms={now_ms} isFresh={isFresh} box={box} sizes={sizes} round={returns} />
        ))}
      </main>
      {alarm.sound === 'asleep' && (
        <button type="button" className="wall-start" onClick={alarm.start} title={w.startSoundHint} data-testid="wall-start">
          {w.startSound}<small>{w.startSoundHint}</small>
        </button>
      )}
      {view !== null && (
        <Bar view={{ ...view, items: view.items.slice(0, places) }} isFresh={isFresh} now_ms={now_ms} alarm={alarm}>
          <Menu settings={settings} sizes={sizes} isOpen={isMenuOpen} onToggle={() => { setMenuOpen((open) => !open); }} />
        </Bar>
      )}
    </div>
  );
}

/** Single letters; not while somebody chooses in the settings, nor with a modifier. */
function useKeys(acts: Record<string, () => void>): void {
  const latest = useRef(acts);
  useEffect(() => {
    latest.current = acts;
  });
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const isChoosing = event.target instanceof HTMLSelectElement;
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || isChoosing) return;
      latest.current[event.key.toLowerCase()]?.();
    };
    window.addEventListener('keydown', press);
    return () => { window.removeEventListener('keydown', press); };
  }, []);
}
