/**
 * Puts the sheet on canvases: the grid, painted anew only when the size changes, the traces, and the magnifier.
 */
import { columnMarks, INKS, pulseCorners, type Sheet } from './geometry';
import type { Source } from './sources';
import { tracePoints } from './trace';

export interface Ink {
  paper: string;
  fine: string;
  heavy: string;
  /** The first is the trace's own, the others tell leads on top of each other apart. */
  traces: readonly string[];
}

/** The colours of the paper, from tokens.css. */
export function inkOf(element: Element): Ink {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const others = Array.from({ length: INKS - 1 }, (_, index) => colour(`--ecg-ink-${String(index + 1)}`));
  return { paper: colour('--ecg-paper'), fine: colour('--ecg-grid-fine'), heavy: colour('--ecg-grid-heavy'), traces: [colour('--ecg-trace'), ...others] };
}

/** Gives the canvas the device pixels of so many millimetres; returns device pixels per millimetre. */
export function sizeCanvas(canvas: HTMLCanvasElement, widthMm: number, heightMm: number, pxPerMm: number, dpr: number): number {
  const width = Math.round(widthMm * pxPerMm * dpr);
  const height = Math.round(heightMm * pxPerMm * dpr);
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  canvas.style.width = `${String(width / dpr)}px`;
  canvas.style.height = `${String(height / dpr)}px`;
  return pxPerMm * dpr;
}

/** A part of the sheet, in millimetres. */
export interface Part {
  leftMm: number;
  topMm: number;
}

const ALL: Part = { leftMm: 0, topMm: 0 };

/** Millimetre lines, each snapped to whole device pixels so that none looks fatter than its neighbour. */
export function paintGrid(canvas: HTMLCanvasElement, sheet: Pick<Sheet, 'widthMm' | 'heightMm'>, dotsPerMm: number, ink: Ink, part = ALL): void {
  const context = canvas.getContext('2d', { alpha: false });
  if (context === null) return;
  context.fillStyle = ink.paper;
  context.fillRect(0, 0, canvas.width, canvas.height);
  const fine = Math.max(1, Math.round(dotsPerMm * 0.1));
  const heavy = Math.max(fine, Math.round(dotsPerMm * 0.25));
  const right = Math.min(sheet.widthMm, part.leftMm + canvas.width / dotsPerMm);
  const bottom = Math.min(sheet.heightMm, part.topMm + canvas.height / dotsPerMm);
  for (const isHeavy of [false, true]) {
    context.fillStyle = isHeavy ? ink.heavy : ink.fine;
    const wide = isHeavy ? heavy : fine;
    for (let mm = Math.max(0, Math.floor(part.leftMm)); mm <= right; mm += 1) {
      if ((mm % 5 === 0) === isHeavy) context.fillRect(Math.round((mm - part.leftMm) * dotsPerMm - wide / 2), 0, wide, canvas.height);
    }
    for (let mm = Math.max(0, Math.floor(part.topMm)); mm <= bottom; mm += 1) {
      if ((mm % 5 === 0) === isHeavy) context.fillRect(0, Math.round((mm - part.topMm) * dotsPerMm - wide / 2), canvas.width, wide);
    }
  }
}

/** Pulses, traces and the marks between columns, over whatever the canvas holds. A screen far away wants a broader pen. */
export function paintTraces(context: CanvasRenderingContext2D, sheet: Sheet, dotsPerMm: number, ink: Ink, sources: readonly Source[], leastDots = 1): void {
  context.lineWidth = Math.max(leastDots, dotsPerMm * 0.25);
  context.lineJoin = 'bevel';
  context.lineCap = 'round';
  const black = ink.traces[0] ?? '';
  context.strokeStyle = black;
  context.beginPath();
  for (const pulse of sheet.pulses) {
    pulseCorners(pulse).forEach(([x, y], index) => {
      if (index === 0) context.moveTo(x * dotsPerMm, y * dotsPerMm);
      else context.lineTo(x * dotsPerMm, y * dotsPerMm);
    });
  }
  context.stroke();
  for (let number = 0; number < ink.traces.length; number += 1) {
    const mine = sheet.segments.filter((segment) => segment.ink === number);
    if (mine.length === 0) continue;
    context.strokeStyle = ink.traces[number] ?? black;
    for (const segment of mine) {
      const source = sources[segment.source];
      const lead = source?.leads[segment.leadIndex];
      if (source === undefined || lead === undefined) continue;
      const shiftMv = source.shiftsMv[segment.leadIndex] ?? 0;
      drawLine(context, tracePoints(lead, segment, sheet.paper, source.intervalUs, 1 / dotsPerMm, shiftMv), dotsPerMm);
    }
  }
  context.strokeStyle = black;
  context.beginPath();
  for (const { xMm, fromMm, toMm } of columnMarks(sheet)) {
    context.moveTo(xMm * dotsPerMm, fromMm * dotsPerMm);
    context.lineTo(xMm * dotsPerMm, toMm * dotsPerMm);
  }
  context.stroke();
}

/** Short paths: software graphics need twice the time for one long one. */
const PATH_POINTS = 200;

function drawLine(context: CanvasRenderingContext2D, points: Float64Array, dotsPerMm: number): void {
  let drawn = 0; // points of the path that is being made; 0 where the pen is up
  context.beginPath();
  for (let i = 0; i < points.length; i += 2) {
    const x = (points[i] as number) * dotsPerMm;
    const y = (points[i + 1] as number) * dotsPerMm;
    if (Number.isNaN(x)) drawn = 0;
    else if (drawn === 0) {
      context.moveTo(x, y);
      drawn = 1;
    } else {
      context.lineTo(x, y);
      drawn += 1;
      if (drawn < PATH_POINTS) continue;
      context.stroke();
      context.beginPath();
      context.moveTo(x, y);
      drawn = 1;
    }
  }
  context.stroke();
}
