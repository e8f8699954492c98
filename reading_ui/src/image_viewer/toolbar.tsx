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
const COMMANDS: readonly [Command, string, string][] = [
  ['invert', '◐', 'I'], ['unrotate', '↺', '['], ['rotate', '↻', ']'], ['flipHorizontal', '⇋', 'H'], ['flipVertical', '⥯', 'V'],
  ['fit', '⛶', 'F'], ['actual', '1:1', 'A'], ['undo', '↶', 'U'], ['reset', '⟲', 'R'],
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
      {COMMANDS.map(([command, sign, key]) => (
        <button key={command} type="button" aria-label={w[command]} title={`${w[command]} (${key})`} onClick={() => { onCommand(command); }} data-testid={`tool-${command}`}>
          <span aria-hidden>{sign}</span>
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
