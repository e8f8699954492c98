/** Who it is, and how it is shown. Every tool has its key beside it. */
import type { ReactNode } from 'react';

import type { StudyView } from '../api/types';
import { Panel } from '../parts/dialog';
import { PatientName } from '../parts/marks';
import { useFormat } from '../words';
import { useRoomWords } from '../words/language';
import type { Calibration } from './calibration';
import { GAINS_MM_PER_MV, LAYOUTS, SPEEDS_MM_PER_S } from './geometry';
import { KEYS } from './keys';
import { type Change, type View, ZOOMS } from './state';
import * as words from './words';

interface ToolbarProps {
  study: StudyView;
  view: View;
  pages: number;
  calibration: Calibration;
  onChange: (change: Change) => void;
  onCaliper: (kind: 'time' | 'voltage') => void;
  onCalibrate: () => void;
}

export function Toolbar({ study, view, pages, calibration, onChange, onCaliper, onCalibrate }: ToolbarProps) {
  const w = useRoomWords(words);
  const format = useFormat();
  const { patient } = study;
  return (
    <div className="ecg-tools" role="toolbar" aria-label={w.tools}>
      <span data-testid="ecg-person">
        <PatientName name={patient.name} /> · {format.sex(patient.sex)} · {format.age(study.age_years)} · {w.patientId(patient.patient_id || '–')}
      </span>
      <Choice legend={w.layout}>
        {LAYOUTS.map((layout, index) => (
          <Tool key={layout} isOn={view.layout === layout} keyHint={String(index + 1)} testId={`ecg-layout-${layout}`}
            onPress={() => { onChange({ do: 'layout', layout }); }}>
            {w.layoutNames[layout]}
          </Tool>
        ))}
      </Choice>
      <Choice legend={`${w.speed} ${w.speedUnit}`}>
        {SPEEDS_MM_PER_S.map((mmPerS) => (
          <Tool key={mmPerS} isOn={view.mmPerS === mmPerS} keyHint="- =" testId={`ecg-speed-${String(mmPerS)}`}
            onPress={() => { onChange({ do: 'set', to: { mmPerS } }); }}>
            {mmPerS}
          </Tool>
        ))}
      </Choice>
      <Choice legend={`${w.gain} ${w.gainUnit}`}>
        {GAINS_MM_PER_MV.map((mmPerMv) => (
          <Tool key={mmPerMv} isOn={view.mmPerMv === mmPerMv} keyHint="[ ]" testId={`ecg-gain-${String(mmPerMv)}`}
            onPress={() => { onChange({ do: 'set', to: { mmPerMv } }); }}>
            {mmPerMv}
          </Tool>
        ))}
      </Choice>
      <Choice legend={w.ownMeasurements}>
        <Tool isOn={view.time !== null} keyHint="C" testId="ecg-time-caliper" onPress={() => { onCaliper('time'); }}>{w.timeCaliper}</Tool>
        <Tool isOn={view.voltage !== null} keyHint="V" testId="ecg-voltage-caliper" onPress={() => { onCaliper('voltage'); }}>{w.voltageCaliper}</Tool>
        <Tool isOn={view.isMarching} keyHint="M" testId="ecg-march" onPress={() => { onChange({ do: 'march' }); }}>{w.march}</Tool>
      </Choice>
      <Choice legend={w.zoom}>
        <Tool keyHint="Z" testId="ecg-zoom-out" isOff={view.zoom === ZOOMS[0]} onPress={() => { onChange({ do: 'zoom', step: -1 }); }}>−</Tool>
        <Tool keyHint="0" testId="ecg-zoom-true" isOn={view.zoom === 1} onPress={() => { onChange({ do: 'zoom', step: 0 }); }}>{w.trueSize}</Tool>
        <Tool keyHint="X" testId="ecg-zoom-in" isOff={view.zoom === ZOOMS.at(-1)} onPress={() => { onChange({ do: 'zoom', step: 1 }); }}>+</Tool>
      </Choice>
      {pages > 1 && (
        <Choice legend={`${w.page} ${String(view.page + 1)}/${String(pages)}`}>
          <Tool keyHint="PageUp" testId="ecg-page-back" isOff={view.page === 0} onPress={() => { onChange({ do: 'page', step: -1 }); }}>{w.pageBack}</Tool>
          <Tool keyHint="PageDown" testId="ecg-page-forward" isOff={view.page === pages - 1} onPress={() => { onChange({ do: 'page', step: 1 }); }}>{w.pageForward}</Tool>
        </Choice>
      )}
      <span className="ecg-scale">
        {view.zoom !== 1 && <span data-testid="ecg-not-true-size">{w.notTrueSize(Math.round(view.zoom * 100))}</span>}
        <span className={calibration.isCalibrated ? '' : 'ecg-uncalibrated'} title={calibration.isCalibrated ? undefined : w.notCalibratedHint} data-testid="ecg-calibration">
          {calibration.isCalibrated ? w.calibrated : w.notCalibrated}
        </span>
        <button type="button" className="button bare" data-testid="ecg-calibrate" onClick={onCalibrate}>{w.calibrate}</button>
        <Panel label={w.help} button={w.help} testId="ecg-help"><Help /></Panel>
      </span>
    </div>
  );
}

function Choice({ legend, children }: { legend: string; children: ReactNode }) {
  return (
    <fieldset>
      <legend>{legend}</legend>
      {children}
    </fieldset>
  );
}

interface ToolProps {
  isOn?: boolean;
  isOff?: boolean;
  keyHint: string;
  testId: string;
  onPress: () => void;
  children: ReactNode;
}

function Tool({ isOn, isOff = false, keyHint, testId, onPress, children }: ToolProps) {
  return (
    <button type="button" className="button" aria-pressed={isOn} disabled={isOff} title={keyHint} data-testid={testId} onClick={onPress}>
      {children}
    </button>
  );
}

function Help() {
  const w = useRoomWords(words);
  const rows = Object.entries(KEYS).map(([name, keys]) => [[...keys], w.keys[name as keyof typeof KEYS]] as const);
  return (
    <dl className="ecg-help" data-testid="ecg-help-list">
      {[...rows, [['←', '→', '↑', '↓'], w.keys.arms] as const].map(([keys, meaning]) => (
        <div key={meaning} style={{ display: 'contents' }}>
          <dt>{keys.map((key) => <kbd key={key}>{key}</kbd>)}</dt>
          <dd>{meaning}</dd>
        </div>
      ))}
    </dl>
  );
}
