/**
 * The whole record in one strip, with a frame around what the paper shows. Click, drag, or move the frame by keyboard.
 */
import type { KeyboardEvent, PointerEvent } from 'react';
import { useLayoutEffect, useMemo, useRef, useState } from 'react';

import { useRoomWords } from '../words/language';
import { inkOf } from './paint';
import { envelope } from './trace';
import * as words from './words';

interface OverviewProps {
  samples: Int32Array;
  leadName: string;
  leadStartS: number;
  intervalUs: number;
  durationS: number;
  startS: number;
  windowS: number;
  onGo: (startS: number) => void;
}

const HEIGHT_PX = 36;

export function Overview({ samples, leadName, leadStartS, intervalUs, durationS, startS, windowS, onGo }: OverviewProps) {
  const w = useRoomWords(words);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [widthPx, setWidthPx] = useState(800);
  const leadS = (samples.length * intervalUs) / 1e6;
  const pieces = Math.max(1, Math.round((widthPx * leadS) / durationS));
  const band = useMemo(() => envelope(samples, pieces), [samples, pieces]);

  useLayoutEffect(() => {
    const box = canvas.current?.parentElement;
    if (box == null) return;
    const look = () => { setWidthPx(Math.max(50, Math.round(box.clientWidth))); };
    const watch = new ResizeObserver(look);
    watch.observe(box);
    look();
    return () => { watch.disconnect(); };
  }, []);

  useLayoutEffect(() => {
    if (canvas.current !== null) paintBand(canvas.current, band, (leadStartS / durationS) * widthPx);
  }, [band, leadStartS, durationS, widthPx]);

  const at = (event: PointerEvent<HTMLDivElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    return ((event.clientX - box.left) / box.width) * durationS;
  };
  const grabbed = useRef<number | null>(null);
  const press = (event: KeyboardEvent) => {
    const way = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
    const to = event.key === 'Home' ? 0 : event.key === 'End' ? durationS : way === undefined ? null : startS + (way * windowS) / (event.shiftKey ? 100 : 10);
    if (to === null) return;
    event.preventDefault();
    onGo(to);
  };
  const percent = (s: number) => `${String((s / durationS) * 100)}%`;
  return (
    <div className="ecg-overview" data-testid="ecg-overview" style={{ height: HEIGHT_PX }}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        const atS = at(event);
        const isInside = atS >= startS && atS <= startS + windowS;
        grabbed.current = isInside ? atS - startS : windowS / 2;
        if (!isInside) onGo(atS - windowS / 2);
      }}
      onPointerMove={(event) => {
        if (grabbed.current !== null) onGo(at(event) - grabbed.current);
      }}
      onPointerUp={() => { grabbed.current = null; }}>
      <canvas ref={canvas} width={widthPx} height={HEIGHT_PX} aria-hidden />
      <div className="ecg-overview-frame" role="slider" tabIndex={0} aria-label={`${w.overview} ${leadName}`} aria-valuemin={0} aria-valuemax={Number(durationS.toFixed(1))}
        aria-valuenow={Number(startS.toFixed(2))} aria-valuetext={w.stretch(startS.toFixed(1), (startS + windowS).toFixed(1), durationS.toFixed(0))}
        data-testid="ecg-overview-frame" onKeyDown={press} style={{ left: percent(startS), width: percent(Math.min(windowS, durationS)) }} />
      <span className="ecg-overview-text" data-testid="ecg-overview-text">{leadName} · {w.stretch(startS.toFixed(1), (startS + windowS).toFixed(1), durationS.toFixed(0))}</span>
    </div>
  );
}

/** A stroke from lowest to highest in each pixel; the scale is that of the middle 98 % so that one spike hides nothing. */
function paintBand(canvas: HTMLCanvasElement, band: Float64Array, leftPx: number): void {
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.clearRect(0, 0, canvas.width, canvas.height);
  const values = [...band].filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  const low = values[Math.floor(values.length * 0.01)] ?? 0;
  const high = values[Math.ceil(values.length * 0.99) - 1] ?? 0;
  const scale = (canvas.height - 14) / Math.max(1e5, high - low);
  const y = (nv: number) => Math.min(canvas.height - 1, Math.max(12, canvas.height - 1 - (nv - low) * scale));
  context.fillStyle = inkOf(canvas).traces[0] ?? '';
  for (let i = 0; i < band.length / 2; i += 1) {
    const bottom = band[i * 2] as number;
    if (Number.isNaN(bottom)) continue;
    const top = y(band[i * 2 + 1] as number);
    context.fillRect(leftPx + i, top, 1, Math.max(1, y(bottom) - top));
  }
}
