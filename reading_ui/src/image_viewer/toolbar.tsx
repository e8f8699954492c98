/**
 * The tools of a still picture. Each button names its key; a chosen tool stays chosen.
 */
import { useEffect, useRef, useState } from 'react';

import { useRoomWords } from '../words/language';
import type { Preset } from './presets';
import type { Tool } from './stage';
import * as words from './words';

export type Command = 'invert' | 'rotate' | 'unrotate' | 'flipHorizontal' | 'flipVertical' | 'fit' | 'actual' | 'reset' | 'undo';

interface ToolbarProps {
  tool: Tool;
  presets: readonly Preset[];
  onTool: (tool: Tool) => void;
  onPreset: (preset: Preset) => void;
  onCommand: (command: Command) => void;
  isHelpOpen: boolean;
  onHelp: (isOpen: boolean) => void;
  onBack?: () => void;
}

const TOOL_KEYS: Record<Tool, string> = { window: 'W', length: 'L', pan: 'P', zoom: 'Z' };
/** Drawn rather than taken from a font: a PC in a clinic may have none with such signs. */
const COMMANDS: readonly [Command, string, string][] = [
  ['invert', 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 2v12M10 3v10M12 4.5v7', 'I'],
  ['unrotate', 'M4 6.5A5 5 0 1 1 3.5 10M4 2.5v4h4', '['],
  ['rotate', 'M12 6.5A5 5 0 1 0 12.5 10M12 2.5v4H8', ']'],
  ['flipHorizontal', 'M8 1.5v13M6 4 1.5 12H6zM10 4l4.5 8H10z', 'H'],
  ['flipVertical', 'M1.5 8h13M4 6l8-4.5V6zM4 10l8 4.5V10z', 'V'],
  ['fit', 'M2 5.5V2h3.5M10.5 2H14v3.5M14 10.5V14h-3.5M5.5 14H2v-3.5', 'F'],
  ['actual', '', 'A'],
  ['undo', 'M6 3 2.5 6.5 6 10M2.5 6.5H10a3.5 3.5 0 0 1 0 7H6', 'U'],
  ['reset', 'M3 8a5 5 0 1 1 1.5 3.6M3 12v-4h4', 'R'],
];

export function Toolbar({ tool, presets, onTool, onPreset, onCommand, isHelpOpen, onHelp, onBack }: ToolbarProps) {
  const w = useRoomWords(words);
  return (
    <div className="image-tools" role="toolbar" aria-label={w.tools}>
      {onBack !== undefined && <button type="button" onClick={onBack} data-testid="back-to-clip">{w.backToClip}</button>}
      {(['window', 'length', 'pan', 'zoom'] as const).map((one) => (
        <button key={one} type="button" aria-pressed={tool === one} title={`${w.tool[one]} (${TOOL_KEYS[one]})`} onClick={() => { onTool(one); }} data-testid={`tool-${one}`}>
          {w.tool[one]}
        </button>
      ))}
      <select
        aria-label={w.presets}
        title={w.presets}
        value=""
        onChange={(event) => {
          const preset = presets.find((one) => one.key === event.target.value);
          if (preset !== undefined) onPreset(preset);
          event.target.blur();
        }}
        data-testid="presets"
      >
        <option value="" disabled>{w.presets}</option>
        {presets.map((preset) => <option key={preset.key} value={preset.key}>{preset.key} {w.preset[preset.name]}</option>)}
      </select>
      {COMMANDS.map(([command, path, key]) => (
        <button key={command} type="button" aria-label={w[command]} title={`${w[command]} (${key})`} onClick={() => { onCommand(command); }} data-testid={`tool-${command}`}>
          {path === '' ? (
            <span aria-hidden>{w[command]}</span>
          ) : (
            <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden>
              <path d={path} fill="none" stroke="currentColor" strokeWidth="1.4" strokeLinecap="round" strokeLinejoin="round" />
            </svg>
          )}
        </button>
      ))}
      <KeyHelp isOpen={isHelpOpen} onOpen={onHelp} />
    </div>
  );
}

export function KeyHelp({ isOpen, onOpen }: { isOpen: boolean; onOpen: (isOpen: boolean) => void }) {
  const w = useRoomWords(words);
  const panel = useRef<HTMLDivElement>(null);
  const [id] = useState(() => `key-help-${Math.random().toString(36).slice(2)}`);
  useEffect(() => {
    if (isOpen) panel.current?.focus();
  }, [isOpen]);
  return (
    <>
      <button type="button" aria-expanded={isOpen} aria-controls={id} aria-label={w.help} title={`${w.help} (?)`} onClick={() => { onOpen(!isOpen); }} data-testid="key-help">
        <span aria-hidden>?</span>
      </button>
      {isOpen && (
        <div
          ref={panel}
          id={id}
          className="key-help"
          role="region"
          aria-label={w.help}
          tabIndex={-1}
          onKeyDown={(event) => { if (event.key === 'Escape') onOpen(false); }}
        >
          <dl>
            {w.keys.map(([keys, meaning]) => (
              <div key={keys}><dt>{keys}</dt><dd>{meaning}</dd></div>
            ))}
          </dl>
          <button type="button" onClick={() => { onOpen(false); }}>{w.close}</button>
        </div>
      )}
    </>
  );
}
