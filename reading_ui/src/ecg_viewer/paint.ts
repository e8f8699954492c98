/**
 * Puts the sheet on two canvases: the grid, painted anew only when the size changes, and the traces.
 */
import { type Pulse, type Segment, type Sheet } from './geometry';
import { type LeadSamples, tracePoints } from './trace';

export interface Ink {
  paper: string;
  fine: string;
  heavy: string;
  trace: string;
}

/** The colours of the paper, from tokens.css. */
export function inkOf(element: Element): Ink {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  return { paper: colour('--ecg-paper'), fine: colour('--ecg-grid-fine'), heavy: colour('--ecg-grid-heavy'), trace: colour('--ecg-trace') };
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

/** Millimetre lines, each snapped to whole device pixels so that none looks fatter than its neighbour. */
export function paintGrid(canvas: HTMLCanvasElement, sheet: Pick<Sheet, 'widthMm' | 'heightMm'>, dotsPerMm: number, ink: Ink): void {
  const context = canvas.getContext('2d', { alpha: false });
  if (context === null) return;
  context.fillStyle = ink.paper;
  context.fillRect(0, 0, canvas.width, canvas.height);
  const fine = Math.max(1, Math.round(dotsPerMm * 0.1));
  const heavy = Math.max(fine, Math.round(dotsPerMm * 0.25));
  for (const isHeavy of [false, true]) {
    context.fillStyle = isHeavy ? ink.heavy : ink.fine;
    const wide = isHeavy ? heavy : fine;
    for (let mm = 0; mm <= sheet.widthMm; mm += 1) {
      if ((mm % 5 === 0) === isHeavy) context.fillRect(Math.round(mm * dotsPerMm - wide / 2), 0, wide, canvas.height);
    }
    for (let mm = 0; mm <= sheet.heightMm; mm += 1) {
      if ((mm % 5 === 0) === isHeavy) context.fillRect(0, Math.round(mm * dotsPerMm - wide / 2), canvas.width, wide);
    }
  }
}

export interface Traces {
  leads: readonly LeadSamples[];
  intervalUs: number;
  shiftsMv: readonly number[];
}

/** Pulses, traces and the marks between columns. */
export function paintTraces(canvas: HTMLCanvasElement, sheet: Sheet, dotsPerMm: number, ink: Ink, traces: Traces): void {
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.strokeStyle = ink.trace;
  context.lineWidth = Math.max(1, dotsPerMm * 0.25);
  context.lineJoin = 'round';
  context.beginPath();
  for (const pulse of sheet.pulses) pulsePath(context, pulse, dotsPerMm);
  for (const segment of sheet.segments) {
    const lead = traces.leads[segment.leadIndex];
    if (lead === undefined) continue;
    const shift = traces.shiftsMv[segment.leadIndex] ?? 0;
    drawLine(context, tracePoints(lead, segment, sheet.paper, traces.intervalUs, 1 / dotsPerMm, shift), dotsPerMm);
  }
  context.stroke();
  context.beginPath();
  for (const segment of sheet.segments) columnMark(context, sheet, segment, dotsPerMm);
  context.stroke();
}

function pulsePath(context: CanvasRenderingContext2D, { xMm, baselineMm, widthMm, heightMm }: Pulse, dotsPerMm: number): void {
  const at = (x: number, y: number) => [x * dotsPerMm, y * dotsPerMm] as const;
  context.moveTo(...at(xMm - 1, baselineMm));
  context.lineTo(...at(xMm, baselineMm));
  context.lineTo(...at(xMm, baselineMm - heightMm));
  context.lineTo(...at(xMm + widthMm, baselineMm - heightMm));
  context.lineTo(...at(xMm + widthMm, baselineMm));
  context.lineTo(...at(xMm + widthMm + 1, baselineMm));
}

function drawLine(context: CanvasRenderingContext2D, points: Float64Array, dotsPerMm: number): void {
  let isDown = false;
  for (let i = 0; i < points.length; i += 2) {
    const x = points[i] ?? Number.NaN;
    const y = points[i + 1] ?? Number.NaN;
    if (Number.isNaN(x)) isDown = false;
    else if (isDown) context.lineTo(x * dotsPerMm, y * dotsPerMm);
    else {
      context.moveTo(x * dotsPerMm, y * dotsPerMm);
      isDown = true;
    }
  }
}

/** A short stroke where one lead ends and the next begins. */
function columnMark(context: CanvasRenderingContext2D, sheet: Sheet, segment: Segment, dotsPerMm: number): void {
  if (segment.startS <= sheet.startS) return;
  for (const [from, to] of [[-9, -6], [6, 9]] as const) {
    context.moveTo(segment.xMm * dotsPerMm, (segment.baselineMm + from) * dotsPerMm);
    context.lineTo(segment.xMm * dotsPerMm, (segment.baselineMm + to) * dotsPerMm);
  }
}
