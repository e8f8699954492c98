/** Makes millimetres real: a frame on the screen is drawn as large as a bank card held against it. */
import { useState } from 'react';

import { AppDialog } from '../parts/dialog';
import { useRoomWords } from '../words/language';
import { calibrate, type Calibration, CARD_HEIGHT_MM, CARD_WIDTH_MM, MAX_PX_PER_MM, MIN_PX_PER_MM } from './calibration';
import * as words from './words';

export function CalibrationDialog({ calibration, onClose }: { calibration: Calibration; onClose: () => void }) {
  const w = useRoomWords(words);
  const [pxPerMm, setPxPerMm] = useState(calibration.pxPerMm);
  const px = (mm: number) => `${String(mm * pxPerMm)}px`;
  return (
    <AppDialog title={w.calibrate} size="large" onClose={onClose} testId="calibration-dialog">
      <p>{w.calibrateHow}</p>
      <div className="ecg-card-desk">
        <div className="ecg-card" style={{ width: px(CARD_WIDTH_MM), height: px(CARD_HEIGHT_MM), boxSizing: 'border-box' }} data-testid="calibration-card">
          {w.card}
        </div>
      </div>
      <label className="field">
        {w.calibrateWidth}
        <input type="range" min={MIN_PX_PER_MM} max={MAX_PX_PER_MM} step={0.005} value={pxPerMm} data-testid="calibration-width"
          onChange={(event) => { setPxPerMm(Number(event.currentTarget.value)); }} />
      </label>
      <div className="dialog-actions">
        {calibration.isCalibrated && (
          <button type="button" className="button" data-testid="calibration-forget" onClick={() => { calibrate(null); onClose(); }}>{w.calibrateForget}</button>
        )}
        <button type="button" className="button primary" data-testid="calibration-save" onClick={() => { calibrate(pxPerMm); onClose(); }}>{w.calibrateSave}</button>
      </div>
    </AppDialog>
  );
}
