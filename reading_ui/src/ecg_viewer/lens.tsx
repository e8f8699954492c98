/**
 * The magnifier: a piece of the paper drawn anew, three times as large, under the pointer or moved with the arrow keys.
 * It is drawn from the samples, not blown up from the screen, and says at what speed and gain one looks through it.
 */
import type { KeyboardEvent } from 'react';
import { useLayoutEffect, useRef } from 'react';

import { useRoomWords } from '../words/language';
import type { Sheet } from './geometry';
import { inkOf, paintGrid, paintTraces } from './paint';
import type { Source } from './sources';
import * as words from './words';

export const LENS_TIMES = 3;
const WIDTH_PX = 300;
const HEIGHT_PX = 210;

export interface Spot {
  xMm: number;
  yMm: number;
}

interface LensProps {
  sheet: Sheet;
  sources: readonly Source[];
  pxPerMm: number;
  dpr: number;
  /** How much larger than true size the paper itself is. */
  zoom: number;
  spot: Spot;
  onMove: (spot: Spot) => void;
}

export function Lens({ sheet, sources, pxPerMm, dpr, zoom, spot, onMove }: LensProps) {
  const w = useRoomWords(words);
  const canvas = useRef<HTMLCanvasElement>(null);
  const times = LENS_TIMES * zoom;
  const { mmPerS, mmPerMv } = sheet.paper;

  useLayoutEffect(() => {
    if (canvas.current !== null) paintLens(canvas.current, sheet, sources, spot, pxPerMm * LENS_TIMES * dpr);
  }, [sheet, sources, spot, pxPerMm, dpr]);

  const move = (event: KeyboardEvent) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (way === undefined) return;
    event.preventDefault();
    const step = event.shiftKey ? 10 : 1;
    onMove({
      xMm: Math.min(sheet.widthMm, Math.max(0, spot.xMm + (way[0] ?? 0) * step)),
      yMm: Math.min(sheet.heightMm, Math.max(0, spot.yMm + (way[1] ?? 0) * step)),
    });
  };
  const number = (value: number) => String(Number(value.toFixed(1)));
  const ratio = w.lensRatio(number(times), number(mmPerS * times), number(mmPerMv * times));
  return (
    <div className="ecg-lens" tabIndex={0} role="img" aria-label={`${w.lens} ${ratio}`} onKeyDown={move} data-testid="ecg-lens" data-times={times}
      data-x-mm={spot.xMm} data-y-mm={spot.yMm}
      style={{ left: spot.xMm * pxPerMm - WIDTH_PX / 2, top: spot.yMm * pxPerMm - HEIGHT_PX / 2, width: WIDTH_PX, height: HEIGHT_PX }}>
      <canvas ref={canvas} width={Math.round(WIDTH_PX * dpr)} height={Math.round(HEIGHT_PX * dpr)} data-testid="ecg-lens-picture" />
      <span className="ecg-lens-ratio" data-testid="ecg-lens-ratio">{ratio}</span>
    </div>
  );
}

/** Only what the lens covers is drawn. */
function paintLens(canvas: HTMLCanvasElement, sheet: Sheet, sources: readonly Source[], spot: Spot, dotsPerMm: number): void {
  const context = canvas.getContext('2d', { alpha: false });
  if (context === null) return;
  const ink = inkOf(canvas);
  const widthMm = canvas.width / dotsPerMm;
  const heightMm = canvas.height / dotsPerMm;
  const leftMm = spot.xMm - widthMm / 2;
  const topMm = spot.yMm - heightMm / 2;
  paintGrid(canvas, sheet, dotsPerMm, ink, { leftMm, topMm });
  const { mmPerS } = sheet.paper;
  const segments = sheet.segments.flatMap((segment) => {
    const from = Math.max(segment.xMm, leftMm - 1);
    const to = Math.min(segment.xMm + segment.durationS * mmPerS, leftMm + widthMm + 1);
    if (to <= from || Math.abs(segment.baselineMm - spot.yMm) > heightMm / 2 + 60) return [];
    return [{ ...segment, xMm: from, startS: segment.startS + (from - segment.xMm) / mmPerS, durationS: (to - from) / mmPerS }];
  });
  context.save();
  context.translate(-leftMm * dotsPerMm, -topMm * dotsPerMm);
  const marked = segments.filter((segment) => sheet.segments.some((whole) => whole.xMm === segment.xMm));
  paintTraces(context, { ...sheet, segments: marked }, dotsPerMm, ink, sources);
  paintTraces(context, { ...sheet, pulses: [], tracesLeftMm: Number.POSITIVE_INFINITY, segments: segments.filter((one) => !marked.includes(one)) }, dotsPerMm, ink, sources);
  context.restore();
}
