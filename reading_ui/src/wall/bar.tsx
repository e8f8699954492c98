/** The line below the traces: how many wait, the sound, the clock, and the settings. */
import type { ReactNode } from 'react';

import type { WallView } from '../api/types';
import { Link, listAddress, navigate } from '../app/router';
import { Icon } from '../parts/icons';
import { useFormat } from '../words';
import { setLanguage, useLanguage, useRoomWords } from '../words/language';
import { waited } from './freshness';
import { addressOf, DISTANCES_M, GRIDS, INCHES, type Settings } from './settings';
import type { Sizes } from './sizes';
import type { Alarm } from './use_alarm';
import * as words from './words';

interface BarProps {
  view: WallView;
  isFresh: boolean;
  now_ms: number;
  alarm: Alarm;
  children: ReactNode;
}

export function Bar({ view, isFresh, now_ms, alarm, children }: BarProps) {
  const w = useRoomWords(words);
  const format = useFormat();
  const hidden = view.emergencies - view.items.filter((item) => item.is_alarming).length;
  return (
    <footer className="wall-bar" data-fresh={isFresh}>
      {hidden > 0 && <strong className="wall-hidden" data-testid="wall-hidden"><Icon name="warning" /> {w.moreEmergencies(hidden)}</strong>}
      <span data-testid="wall-emergencies">{w.emergencies} <b>{view.emergencies}</b></span>
      <span data-testid="wall-waiting">{w.waiting} <b>{view.waiting}</b></span>
      {view.oldest_waiting_at !== null && <span>{w.longest} <b>{waited(view.oldest_waiting_at, now_ms)}</b></span>}
      <span>{w.beingRead} <b>{view.being_read}</b></span>
      <span className="wall-gap" />
      <Sound alarm={alarm} />
      <time className="wall-clock">{format.clockTime(new Date(now_ms).toISOString())}</time>
      {children}
    </footer>
  );
}

function Sound({ alarm }: { alarm: Alarm }) {
  const w = useRoomWords(words);
  const format = useFormat();
  const { sound, isRinging, mute, bursts } = alarm;
  const state = sound === 'missing' ? 'missing' : sound === 'asleep' ? 'asleep' : isRinging ? 'ringing' : mute !== null ? 'muted' : 'on';
  const word = {
    missing: w.soundMissing, asleep: w.soundAsleep, ringing: w.soundRinging, on: w.soundOn,
    muted: mute === null ? '' : w.mutedUntil(format.clockTime(new Date(mute.until_ms).toISOString())),
  }[state];
  return (
    <span className={`wall-sound sound-${state}`} data-testid="wall-sound" data-state={state} data-bursts={bursts.started} data-played={bursts.played}>
      {word}
      {(state === 'ringing' || state === 'muted') && (
        <button type="button" onClick={alarm.toggleMute} title={w.muteHint} data-testid="wall-mute">{state === 'muted' ? w.unmute : w.mute}</button>
      )}
    </span>
  );
}

interface MenuProps {
  settings: Settings;
  sizes: Sizes;
  isOpen: boolean;
  onToggle: () => void;
}

export function Menu({ settings, sizes, isOpen, onToggle }: MenuProps) {
  const w = useRoomWords(words);
  const language = useLanguage();
  const { columns, rows, screen } = settings;
  const change = (next: Partial<Settings>) => { navigate(addressOf({ ...settings, ...next }), { replace: true }); };
  return (
    <>
      <button type="button" className="wall-menu-button" aria-expanded={isOpen} onClick={onToggle} data-testid="wall-menu">{w.menu}</button>
      {isOpen && (
        <section className="wall-menu" aria-label={w.menu}>
          <label>{w.grid}
            <select value={`${String(columns)}x${String(rows)}`} data-testid="wall-grid"
              onChange={({ target }) => {
                const [across = 3, down = 2] = target.value.split('x').map(Number);
                change({ columns: across, rows: down });
              }}>
              {GRIDS.map((name) => <option key={name} value={name}>{name.replace('x', ' × ')}</option>)}
            </select>
          </label>
          <Choice label={w.screen} value={screen.inches} among={INCHES} onChange={(inches) => { change({ screen: { ...screen, inches } }); }} />
          <Choice label={w.distance} value={screen.distanceM} among={DISTANCES_M} onChange={(distanceM) => { change({ screen: { ...screen, distanceM } }); }} />
          <p data-testid="wall-readable">{w.readableTo(sizes.readableM.toFixed(1))}</p>
          <p>{w.scale}</p>
          <p>{w.keys}</p>
          <p className="wall-menu-acts">
            <button type="button" onClick={toggleFullScreen}>{w.fullScreen}</button>
            <button type="button" onClick={() => { setLanguage(language === 'zh' ? 'en' : 'zh'); }} data-testid="wall-language">{w.otherLanguage}</button>
            <Link href={listAddress()}>{w.leave}</Link>
          </p>
        </section>
      )}
    </>
  );
}

interface ChoiceProps {
  label: string;
  value: number;
  among: readonly number[];
  onChange: (value: number) => void;
}

function Choice({ label, value, among, onChange }: ChoiceProps) {
  const all = [...new Set([...among, value])].sort((a, b) => a - b);
  return (
    <label>{label}
      <select value={value} onChange={({ target }) => { onChange(Number(target.value)); }}>
        {all.map((one) => <option key={one} value={one}>{one}</option>)}
      </select>
    </label>
  );
}

/** A browser that refuses (no gesture, no permission) leaves the page as it is. */
export function toggleFullScreen(): void {
  const asked = document.fullscreenElement === null ? document.documentElement.requestFullscreen() : document.exitFullscreen();
  asked.catch(() => undefined);
}
