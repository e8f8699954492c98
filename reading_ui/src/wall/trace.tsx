/** One trace on millimetre paper, as large as its cell allows; the same painter as the ECG page. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';

import { wall as api } from '../api/wall';
import { labelOf } from '../ecg_viewer/geometry';
import { inkOf, paintGrid, paintTraces, sizeCanvas } from '../ecg_viewer/paint';
import type { Source } from '../ecg_viewer/sources';
import '../ecg_viewer/tokens.css';
import { useRoomWords } from '../words/language';
import { fitSheet } from './fit';
import { readTrace } from './read_trace';
import * as words from './words';

interface TraceProps {
  instanceId: string | null;
  label: string;
  widthPx: number;
  heightPx: number;
  penPx: number;
  /** Changes when the line is back: what failed is tried again. */
  round: number;
}

const TRY_AGAIN_MS = 5000;
const LABEL_MM = 4;

export function Trace({ instanceId, label, widthPx, heightPx, penPx, round }: TraceProps) {
  const w = useRoomWords(words);
  const { source, hasFailed } = useTrace(instanceId, round);
  const canvas = useRef<HTMLCanvasElement>(null);
  const fit = useMemo(
    () => (source === null || widthPx <= 0 || heightPx <= 0 ? null : fitSheet(source.leads, source.intervalUs, widthPx, heightPx)),
    [source, widthPx, heightPx],
  );
  useLayoutEffect(() => {
    const context = canvas.current?.getContext('2d', { alpha: false });
    if (canvas.current === null || context == null || fit === null || source === null) return;
    const { sheet, pxPerMm } = fit;
    const dpr = window.devicePixelRatio;
    const dots = sizeCanvas(canvas.current, sheet.widthMm, sheet.heightMm, pxPerMm, dpr);
    const ink = inkOf(canvas.current);
    paintGrid(canvas.current, sheet, dots, ink);
    paintTraces(context, sheet, dots, ink, [source], penPx * dpr);
    canvas.current.dataset.state = 'drawn';
  }, [fit, source, penPx]);

  if (instanceId === null) return <p className="wall-note">{w.noWaveform}</p>;
  if (fit === null) return <p className="wall-note" data-testid="wall-trace" data-state={hasFailed ? 'failed' : 'loading'}>{hasFailed ? w.traceFailed : w.reading}</p>;
  const { sheet, pxPerMm, layout } = fit;
  return (
    <div className="wall-paper" style={{ width: sheet.widthMm * pxPerMm, height: sheet.heightMm * pxPerMm }}>
      <canvas ref={canvas} role="img" aria-label={label} data-testid="wall-trace" data-layout={layout} data-px-per-mm={pxPerMm}
        data-mm-per-s={sheet.paper.mmPerS} data-mm-per-mv={sheet.paper.mmPerMv} data-duration-s={sheet.durationS} />
      <svg viewBox={`0 0 ${String(sheet.widthMm)} ${String(sheet.heightMm)}`} aria-hidden>
        {sheet.segments.map((segment) => (
          <text key={`${segment.name} ${String(segment.baselineMm)} ${String(segment.xMm)}`} x={segment.labelXMm} y={segment.labelYMm + 1} fontSize={LABEL_MM}
            data-testid="wall-lead" data-lead={segment.name} data-x-mm={segment.xMm} data-baseline-mm={segment.baselineMm} data-start-s={segment.startS}>
            {labelOf(segment, sheet)}
          </text>
        ))}
      </svg>
    </div>
  );
}

/** The samples of an ECG: fetched once, and again while they could not be had. */
function useTrace(instanceId: string | null, round: number): { source: Source | null; hasFailed: boolean } {
  const [state, setState] = useState<{ of: string | null; source: Source | null; hasFailed: boolean }>({ of: null, source: null, hasFailed: false });
  const [tries, setTries] = useState(0);
  const isThere = state.of === instanceId && state.source !== null;
  useEffect(() => {
    if (instanceId === null || isThere) return undefined;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    api
      .trace(instanceId, stop.signal)
      .then((bytes) => { setState({ of: instanceId, source: readTrace(bytes), hasFailed: false }); })
      .catch(() => {
        if (stop.signal.aborted) return;
        setState({ of: instanceId, source: null, hasFailed: true });
        timer = setTimeout(() => { setTries((count) => count + 1); }, TRY_AGAIN_MS);
      });
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [instanceId, isThere, tries, round]);
  return state.of === instanceId ? state : { source: null, hasFailed: false };
}
