/** How the trace is shown. Every tool has its key beside it; what must not be overlooked stands in its own line. */
import type { ReactNode } from 'react';

import { Panel } from '../parts/dialog';
import { useRoomWords } from '../words/language';
import type { Calibration } from './calibration';
import { CALIPER_KINDS, type CaliperKind } from './calipers';
import { type FilterWarning, HIGH_CUTS_HZ, isRaw, LOW_CUTS_HZ, NOTCHES_HZ } from './filters';
import { GAINS_MM_PER_MV, SPEEDS_MM_PER_S } from './geometry';
import type { Action } from './keys';
import { type LayoutName, layoutsFor, rhythmLead } from './layouts';
import { KeyList } from './key_list';
import { type Change, type View, ZOOMS } from './state';
import * as words from './words';

interface ToolbarProps {
  leadNames: readonly string[];
  view: View;
  /** How large the paper is, of true size. */
  scale: number;
  warnings: readonly FilterWarning[];
  calibration: Calibration;
  isLens: boolean;
  isWhole: boolean;
  isPanelOpen: boolean;
  onChange: (change: Change) => void;
  onAction: (action: Action) => void;
  onCalibrate: () => void;
  /** Further tools. */
  children?: ReactNode;
}

const CALIPER_KEYS: Record<CaliperKind, string> = { time: 'C', voltage: 'V', qt: 'Q' };

export function Toolbar(props: ToolbarProps) {
  const { leadNames, view, scale, warnings, calibration, isLens, isWhole, isPanelOpen, onChange, onAction, onCalibrate, children } = props;
  const w = useRoomWords(words);
  const layouts = layoutsFor(leadNames);
  const hasRhythm = view.layout === 'strip' || view.layout.includes('+');
  const percent = Math.round(scale * 100);
  const filter = (key: keyof View['filters'], legend: string, hint: string, values: readonly number[]) => (
    <Pick label={legend} keyHint={hint} testId={`ecg-filter-${key}`} value={String(view.filters[key])} isOn={view.filters[key] > 0 && !view.isRaw}
      choices={values.map((hz) => [String(hz), `${legend} ${hz === 0 ? w.none : `${String(hz)} Hz`}`])} onPick={(hz) => { onChange({ do: 'filter', to: { [key]: Number(hz) } }); }} />
  );
  return (
    <div className="ecg-tools" role="toolbar" aria-label={w.tools}>
      <Pick label={w.layout} keyHint="1…8" testId="ecg-layout" value={view.layout} choices={layouts.map((name) => [name, w.layoutNames[name] ?? name])}
        onPick={(layout) => { onChange({ do: 'set', to: { layout: layout as LayoutName } }); }} />
      {hasRhythm && (
        <Pick label={w.rhythm} keyHint="R" testId="ecg-rhythm" value={rhythmLead(leadNames, view.rhythm) ?? ''} choices={leadNames.map((name) => [name, `${w.rhythm} ${name}`])}
          onPick={(rhythm) => { onChange({ do: 'set', to: { rhythm } }); }} />
      )}
      {view.layout === 'overlay' && <OverlayChoice leadNames={leadNames} chosen={view.overlay} onChoose={(overlay) => { onChange({ do: 'set', to: { overlay } }); }} />}
      {layouts.length > 3 && <Tool isOn={view.isCabrera} keyHint="K" testId="ecg-cabrera" onPress={() => { onAction({ do: 'cabrera' }); }}>Cabrera</Tool>}
      <Pick label={w.speed} keyHint="- =" testId="ecg-speed" value={String(view.mmPerS)} choices={SPEEDS_MM_PER_S.map((speed) => [String(speed), `${String(speed)} ${w.speedUnit}`])}
        onPick={(speed) => { onChange({ do: 'set', to: { mmPerS: Number(speed) } }); }} />
      <Pick label={w.gain} keyHint="[ ]" testId="ecg-gain" value={String(view.mmPerMv)} choices={GAINS_MM_PER_MV.map((gain) => [String(gain), `${String(gain)} ${w.gainUnit}`])}
        onPick={(gain) => { onChange({ do: 'set', to: { mmPerMv: Number(gain) } }); }} />
      <Tool isOn={view.isChestHalved} keyHint="H" testId="ecg-chest-half" onPress={() => { onAction({ do: 'chest-half' }); }}>{w.chestHalf}</Tool>
      {filter('lowCutHz', w.lowCut, ',', LOW_CUTS_HZ)}
      {filter('highCutHz', w.highCut, '.', HIGH_CUTS_HZ)}
      {filter('notchHz', w.notch, 'N', NOTCHES_HZ)}
      <Tool isOn={view.isRaw || isRaw(view.filters)} keyHint="U" testId="ecg-raw" onPress={() => { onAction({ do: 'raw' }); }}>{w.raw}</Tool>
      <Group label={w.ownMeasurements}>
        {CALIPER_KINDS.map((kind) => (
          <Tool key={kind} isOn={view[kind] !== null} keyHint={CALIPER_KEYS[kind]} testId={`ecg-${kind}-caliper`} onPress={() => { onAction({ do: 'toggle-caliper', kind }); }}>
            {w.caliperTools[kind]}
          </Tool>
        ))}
        <Tool isOn={view.isMarching} keyHint="M" testId="ecg-march" onPress={() => { onAction({ do: 'march' }); }}>{w.march}</Tool>
        <Tool isOn={isLens} keyHint="L" testId="ecg-lens-tool" onPress={() => { onAction({ do: 'lens' }); }}>{w.lens}</Tool>
      </Group>
      {children}
      <Group label={w.zoom}>
        <Tool keyHint="Z" testId="ecg-zoom-out" isOff={view.zoom === ZOOMS[0]} label={w.smaller} onPress={() => { onAction({ do: 'zoom', step: -1 }); }}>−</Tool>
        <Tool keyHint="0" testId="ecg-zoom-true" isOn={view.zoom === 1} onPress={() => { onAction({ do: 'zoom', step: 0 }); }}>{w.trueSize}</Tool>
        <Tool keyHint="X" testId="ecg-zoom-in" isOff={view.zoom === ZOOMS.at(-1)} label={w.larger} onPress={() => { onAction({ do: 'zoom', step: 1 }); }}>+</Tool>
        <Tool keyHint="F" testId="ecg-fit" isOn={view.zoom === 'fit'} onPress={() => { onAction({ do: 'fit' }); }}>{w.fit}</Tool>
        <Tool keyHint="W" testId="ecg-whole" isOn={isWhole} onPress={() => { onAction({ do: 'whole' }); }}>{w.whole}</Tool>
      </Group>
      <Tool keyHint="I" testId="ecg-panel-tool" isOn={isPanelOpen} label={w.panel} onPress={() => { onAction({ do: 'panel' }); }}>{w.panelTool}</Tool>
      <Tool keyHint="P" testId="ecg-print-tool" onPress={() => { onAction({ do: 'print' }); }}>{w.print}</Tool>
      {warnings.length > 0 && (
        <div className="ecg-filter-warnings ecg-caution" role="status" data-testid="ecg-filter-warnings">
          {warnings.map((warning) => <span key={warning}>{w.filterWarnings[warning]}</span>)}
        </div>
      )}
      <span className="ecg-scale">
        {percent !== 100 && <strong className="ecg-caution" data-testid="ecg-not-true-size">{w.notTrueSize(percent)} <kbd>0</kbd></strong>}
        <button type="button" className="button bare" title={calibration.isCalibrated ? w.calibrate : w.notCalibratedHint} data-testid="ecg-calibrate" onClick={onCalibrate}>
          <span className={calibration.isCalibrated ? '' : 'ecg-caution'} data-testid="ecg-calibration">{calibration.isCalibrated ? w.calibrated : w.notCalibrated}</span> {w.calibrate}
        </button>
        <Panel label={w.help} button={w.help} testId="ecg-help"><KeyList /></Panel>
      </span>
    </div>
  );
}

function Group({ label, children }: { label: string; children: ReactNode }) {
  return <span className="ecg-group" role="group" aria-label={label}>{children}</span>;
}

interface ToolProps {
  isOn?: boolean;
  isOff?: boolean;
  keyHint: string;
  testId: string;
  label?: string;
  onPress: () => void;
  children: ReactNode;
}

function Tool({ isOn, isOff = false, keyHint, testId, label, onPress, children }: ToolProps) {
  return (
    <button type="button" className="button" aria-pressed={isOn} aria-label={label} disabled={isOff} title={keyHint} data-testid={testId} onClick={onPress}>
      {children}
    </button>
  );
}

interface PickProps {
  label: string;
  keyHint: string;
  testId: string;
  value: string;
  isOn?: boolean;
  choices: readonly (readonly [string, string])[];
  onPick: (value: string) => void;
}

/** One of several. It lets go of the focus after a choice, so that the keys work again. */
function Pick({ label, keyHint, testId, value, isOn = false, choices, onPick }: PickProps) {
  return (
    <select className={`ecg-pick ${isOn ? 'on' : ''}`} aria-label={label} title={`${label} ${keyHint}`} value={value} data-testid={testId}
      onChange={(event) => {
        onPick(event.currentTarget.value);
        event.currentTarget.blur();
      }}>
      {choices.map(([key, name]) => <option key={key} value={key}>{name}</option>)}
    </select>
  );
}

function OverlayChoice({ leadNames, chosen, onChoose }: { leadNames: readonly string[]; chosen: readonly string[]; onChoose: (names: readonly string[]) => void }) {
  const w = useRoomWords(words);
  const now = chosen.length === 0 ? leadNames : chosen;
  const chest = leadNames.filter((name) => /^V/i.test(name));
  const limb = leadNames.filter((name) => !chest.includes(name));
  return (
    <Panel label={w.overlayLeads} button={w.overlayLeads} testId="ecg-overlay">
      <div className="ecg-overlay-choice">
        {([[w.allLeads, leadNames], [w.limbLeads, limb], [w.chestLeads, chest]] as const).map(([name, leads]) => (
          <button key={name} type="button" className="button" onClick={() => { onChoose(leads); }}>{name}</button>
        ))}
        {leadNames.map((name) => (
          <label key={name}>
            <input type="checkbox" checked={now.includes(name)} data-testid={`ecg-overlay-${name}`}
              onChange={(event) => {
                const next = leadNames.filter((other) => (other === name ? event.currentTarget.checked : now.includes(other)));
                if (next.length > 0) onChoose(next);
              }} />
            {name}
          </label>
        ))}
      </div>
    </Panel>
  );
}
