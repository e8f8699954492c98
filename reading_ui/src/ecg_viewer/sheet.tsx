/**
 * The paper: grid and traces on two canvases, words and calipers in millimetres on an SVG above them.
 */
import type { KeyboardEvent, PointerEvent, ReactNode, RefObject } from 'react';
import { useLayoutEffect, useRef, useSyncExternalStore } from 'react';

import { useRoomWords } from '../words/language';
import { CaliperLayer, millimetres } from './caliper_layer';
import { type Caliper, type CaliperKind, moveArm, placeCaliper } from './calipers';
import { FOOTER_MM, labelOf, type Sheet } from './geometry';
import type { LayoutName } from './layouts';
import { Lens, type Spot } from './lens';
import { inkOf, paintGrid, paintTraces, sizeCanvas } from './paint';
import type { Source } from './sources';
import * as words from './words';

interface EcgSheetProps {
  sheet: Sheet;
  layout: LayoutName;
  /** False until the desk is measured: nothing is drawn twice. */
  isMeasured: boolean;
  pxPerMm: number;
  zoom: number;
  /** The record that is read comes first; segments name the others by their place. */
  sources: readonly Source[];
  /** Two lines above the traces, two below. */
  header: readonly [string, string];
  footer: readonly [string, string];
  calipers: readonly Caliper[];
  active: CaliperKind | null;
  isMarching: boolean;
  onCaliper: (caliper: Caliper) => void;
  /** Where the magnifier is, null without one. */
  lens: Spot | null;
  onLens: (spot: Spot) => void;
  /** Moves the stretch of a long record by so many seconds; null where the whole record is on the paper. */
  onMove: ((seconds: number) => void) | null;
  deskRef: RefObject<HTMLDivElement | null>;
  children?: ReactNode;
}

const MAX_DOTS = 16_000_000; // beyond that browsers fail to make a canvas, or the memory goes
const ARROW_MM = 5;

export function EcgSheet(props: EcgSheetProps) {
  const { sheet, layout, isMeasured, pxPerMm, zoom, sources, header, footer, calipers, active, isMarching, onCaliper, lens, onLens, onMove, deskRef } = props;
  const w = useRoomWords(words);
  const grid = useRef<HTMLCanvasElement>(null);
  const paper = useRef<HTMLCanvasElement>(null);
  const screenDpr = useSyncExternalStore(onResize, () => window.devicePixelRatio, () => 1);
  const dpr = Math.min(screenDpr, Math.sqrt(MAX_DOTS / (sheet.widthMm * sheet.heightMm * pxPerMm * pxPerMm)));
  const { widthMm, heightMm } = sheet;

  useLayoutEffect(() => {
    if (grid.current === null || !isMeasured) return;
    const dots = sizeCanvas(grid.current, widthMm, heightMm, pxPerMm, dpr);
    paintGrid(grid.current, { widthMm, heightMm }, dots, inkOf(grid.current));
  }, [widthMm, heightMm, isMeasured, pxPerMm, dpr]);

  useLayoutEffect(() => {
    const canvas = paper.current;
    const context = canvas?.getContext('2d');
    if (canvas == null || context == null || !isMeasured) return;
    const dots = sizeCanvas(canvas, sheet.widthMm, sheet.heightMm, pxPerMm, dpr);
    context.clearRect(0, 0, canvas.width, canvas.height);
    paintTraces(context, sheet, dots, inkOf(canvas), sources);
    canvas.dataset.state = 'drawn';
  }, [sheet, isMeasured, pxPerMm, dpr, sources]);

  const own = sources[0];
  const hand = useHand(props);
  const arrows = (event: KeyboardEvent) => {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (onMove === null || way === undefined || event.target !== event.currentTarget) return;
    event.preventDefault();
    onMove((way * ARROW_MM * (event.shiftKey ? 5 : 1)) / sheet.paper.mmPerS);
  };
  const css = (mm: number) => `${String(mm * pxPerMm)}px`;
  return (
    <div className="ecg-desk" ref={deskRef} tabIndex={0} role="group" aria-label={w.paper} onKeyDown={arrows} data-testid="ecg-desk">
      <div className={`ecg-sheet ${active === null ? 'free' : 'measuring'}`} style={{ width: css(widthMm), height: css(heightMm) }}>
        <canvas ref={grid} data-testid="ecg-grid" aria-hidden />
        <canvas ref={paper} data-testid="ecg-traces" data-px-per-mm={pxPerMm} data-dpr={dpr} data-mm-per-s={sheet.paper.mmPerS}
          data-mm-per-mv={sheet.paper.mmPerMv} data-layout={layout} data-start-s={sheet.startS} role="img"
          aria-label={w.sheet(w.layoutNames[layout] ?? layout, sheet.paper.mmPerS, sheet.paper.mmPerMv)} />
        <svg viewBox={`0 0 ${String(widthMm)} ${String(heightMm)}`} {...hand}>
          <text x={2} y={5.5} fontSize={4} fontWeight={600} data-testid="ecg-identity">{header[0]}</text>
          <text x={2} y={10.5} fontSize={3.2} data-testid="ecg-recording">{header[1]}</text>
          {sheet.segments.map((segment) => (
            <text key={`${segment.name} ${String(segment.startS)} ${String(segment.baselineMm)} ${String(segment.xMm)}`} x={segment.labelXMm} y={segment.labelYMm}
              className={`ecg-ink-${String(segment.ink)}`} fontSize={3.6} fontWeight={600}
              data-testid="ecg-lead" data-lead={segment.name} data-x-mm={segment.xMm} data-baseline-mm={segment.baselineMm}
              data-start-s={segment.startS} data-duration-s={segment.durationS} data-mm-per-mv={segment.mmPerMv}
              data-shift-mv={own?.shiftsMv[segment.leadIndex] ?? 0}>
              {labelOf(segment, sheet)}
            </text>
          ))}
          <text x={2} y={heightMm - FOOTER_MM / 2 - 0.6} fontSize={3.2} data-testid="ecg-footer">{footer[0]}</text>
          <text x={2} y={heightMm - 1.4} fontSize={3} data-testid="ecg-notes">{footer[1]}</text>
          <CaliperLayer sheet={sheet} intervalUs={own?.intervalUs ?? 1000} calipers={calipers} isMarching={isMarching} onChange={onCaliper} />
        </svg>
        {lens !== null && <Lens sheet={sheet} sources={sources} pxPerMm={pxPerMm} dpr={dpr} zoom={zoom} spot={lens} onMove={onLens} />}
      </div>
    </div>
  );
}

type Grabbed =
  | { what: 'caliper'; x: number; y: number; caliper: Caliper }
  | { what: 'paper'; clientX: number; clientY: number; left: number; top: number };

/**
 * What a drag on the paper does: it sets the active caliper anew (first arm where the pointer went down, second where it
 * goes); without one it moves the paper, or a long record under it. The magnifier follows the pointer.
 */
function useHand({ sheet, sources, pxPerMm, active, onCaliper, lens, onLens, onMove, deskRef }: EcgSheetProps) {
  const grabbed = useRef<Grabbed | null>(null);
  const intervalUs = sources[0]?.intervalUs ?? 1000;
  return {
    onPointerDown: (event: PointerEvent<SVGSVGElement>) => {
      if (event.button !== 0) return;
      event.currentTarget.setPointerCapture(event.pointerId);
      const { x, y } = millimetres(event);
      if (active === null) {
        const desk = deskRef.current;
        grabbed.current = { what: 'paper', clientX: event.clientX, clientY: event.clientY, left: desk?.scrollLeft ?? 0, top: desk?.scrollTop ?? 0 };
        return;
      }
      const placed = placeCaliper(active, sheet, x, y, intervalUs);
      const middle = (placed.a + placed.b) / 2;
      const caliper: Caliper = placed.kind === 'voltage' ? { ...placed, a: y, b: y } : { ...placed, a: middle, b: middle };
      grabbed.current = { what: 'caliper', x, y, caliper: moveArm(caliper, 'both', 0, 0, sheet, intervalUs) };
    },
    onPointerMove: (event: PointerEvent<SVGSVGElement>) => {
      const { x, y } = millimetres(event);
      if (lens !== null) onLens({ xMm: x, yMm: y });
      const held = grabbed.current;
      if (held === null) return;
      if (held.what === 'caliper') {
        onCaliper(moveArm(held.caliper, 'b', x - held.x, y - held.y, sheet, intervalUs));
        return;
      }
      const dx = event.clientX - held.clientX;
      const desk = deskRef.current;
      if (desk !== null) desk.scrollTop = held.top - (event.clientY - held.clientY);
      if (onMove === null) {
        if (desk !== null) desk.scrollLeft = held.left - dx;
      } else if (dx !== 0) {
        onMove(-dx / pxPerMm / sheet.paper.mmPerS);
        held.clientX = event.clientX;
      }
    },
    onPointerUp: () => {
      grabbed.current = null;
    },
  };
}

function onResize(tell: () => void): () => void {
  window.addEventListener('resize', tell);
  return () => {
    window.removeEventListener('resize', tell);
  };
}
