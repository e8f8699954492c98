/**
 * The paper: grid and traces on two canvases, words and calipers in millimetres on an SVG above them.
 */
import type { PointerEvent, ReactNode, Ref } from 'react';
import { useLayoutEffect, useRef, useSyncExternalStore } from 'react';

import { useRoomWords } from '../words/language';
import { CaliperLayer, millimetres } from './caliper_layer';
import { type Caliper, type CaliperKind, moveArm, placeCaliper } from './calipers';
import { FOOTER_MM, type LayoutName, type Sheet } from './geometry';
import { inkOf, paintGrid, paintTraces, sizeCanvas, type Traces } from './paint';
import * as words from './words';

interface EcgSheetProps {
  sheet: Sheet;
  layout: LayoutName;
  pxPerMm: number;
  traces: Traces;
  /** Two lines above the traces, one below. */
  header: readonly [string, string];
  footer: string;
  calipers: readonly Caliper[];
  active: CaliperKind | null;
  isMarching: boolean;
  onCaliper: (caliper: Caliper) => void;
  deskRef: Ref<HTMLDivElement>;
  children?: ReactNode;
}

const MAX_DOTS = 16_000_000; // beyond that browsers fail to make a canvas, or the memory goes

export function EcgSheet(props: EcgSheetProps) {
  const { sheet, layout, pxPerMm, traces, header, footer, calipers, active, isMarching, onCaliper, deskRef } = props;
  const w = useRoomWords(words);
  const grid = useRef<HTMLCanvasElement>(null);
  const paper = useRef<HTMLCanvasElement>(null);
  const screenDpr = useSyncExternalStore(onResize, () => window.devicePixelRatio, () => 1);
  const dpr = Math.min(screenDpr, Math.sqrt(MAX_DOTS / (sheet.widthMm * sheet.heightMm * pxPerMm * pxPerMm)));
  const { widthMm, heightMm } = sheet;

  useLayoutEffect(() => {
    if (grid.current === null) return;
    const dots = sizeCanvas(grid.current, widthMm, heightMm, pxPerMm, dpr);
    paintGrid(grid.current, { widthMm, heightMm }, dots, inkOf(grid.current));
  }, [widthMm, heightMm, pxPerMm, dpr]);

  useLayoutEffect(() => {
    if (paper.current === null) return;
    const dots = sizeCanvas(paper.current, sheet.widthMm, sheet.heightMm, pxPerMm, dpr);
    paintTraces(paper.current, sheet, dots, inkOf(paper.current), traces);
    paper.current.dataset.state = 'drawn';
  }, [sheet, pxPerMm, dpr, traces]);

  const stretch = useStretch(sheet, traces.intervalUs, active, onCaliper);
  const css = (mm: number) => `${String(mm * pxPerMm)}px`;
  return (
    <div className="ecg-desk" ref={deskRef} tabIndex={0} role="group" aria-label={w.paper} data-testid="ecg-desk">
      <div className={`ecg-sheet ${active === null ? '' : 'measuring'}`} style={{ width: css(widthMm), height: css(heightMm) }}>
        <canvas ref={grid} data-testid="ecg-grid" aria-hidden />
        <canvas ref={paper} data-testid="ecg-traces" data-px-per-mm={pxPerMm} data-dpr={dpr} data-mm-per-s={sheet.paper.mmPerS}
          data-mm-per-mv={sheet.paper.mmPerMv} data-layout={layout} data-start-s={sheet.startS} role="img"
          aria-label={w.sheet(w.layoutNames[layout] ?? layout, sheet.paper.mmPerS, sheet.paper.mmPerMv)} />
        <svg viewBox={`0 0 ${String(widthMm)} ${String(heightMm)}`} {...stretch}>
          <text x={2} y={5.5} fontSize={4} fontWeight={600} data-testid="ecg-identity">{header[0]}</text>
          <text x={2} y={10.5} fontSize={3.2} data-testid="ecg-recording">{header[1]}</text>
          {sheet.segments.map((segment) => (
            <text key={`${segment.name} ${String(segment.startS)} ${String(segment.baselineMm)}`} x={segment.xMm + 1} y={segment.baselineMm - 7} fontSize={3.6} fontWeight={600}
              data-testid="ecg-lead" data-lead={segment.name} data-x-mm={segment.xMm} data-baseline-mm={segment.baselineMm}
              data-start-s={segment.startS} data-duration-s={segment.durationS} data-shift-mv={traces.shiftsMv[segment.leadIndex] ?? 0}>
              {segment.name}
            </text>
          ))}
          <text x={2} y={heightMm - FOOTER_MM / 2 + 1} fontSize={3.2} data-testid="ecg-footer">{footer}</text>
          <CaliperLayer sheet={sheet} intervalUs={traces.intervalUs} calipers={calipers} isMarching={isMarching} onChange={onCaliper} />
        </svg>
      </div>
    </div>
  );
}

/** A drag on the paper sets the active caliper anew: first arm where the pointer went down, second where it goes. */
function useStretch(sheet: Sheet, intervalUs: number, active: CaliperKind | null, onCaliper: (caliper: Caliper) => void) {
  const begun = useRef<{ x: number; y: number; caliper: Caliper } | null>(null);
  return {
    onPointerDown: (event: PointerEvent<SVGSVGElement>) => {
      if (active === null || event.button !== 0) return;
      event.currentTarget.setPointerCapture(event.pointerId);
      const { x, y } = millimetres(event);
      const placed = placeCaliper(active, sheet, x, y, intervalUs);
      const middle = (placed.a + placed.b) / 2;
      const caliper: Caliper = placed.kind === 'time' ? { ...placed, a: middle, b: middle } : { ...placed, a: y, b: y };
      begun.current = { x, y, caliper: moveArm(caliper, 'both', 0, 0, sheet, intervalUs) };
    },
    onPointerMove: (event: PointerEvent<SVGSVGElement>) => {
      if (begun.current === null) return;
      const { x, y } = millimetres(event);
      onCaliper(moveArm(begun.current.caliper, 'b', x - begun.current.x, y - begun.current.y, sheet, intervalUs));
    },
    onPointerUp: () => {
      begun.current = null;
    },
  };
}

function onResize(tell: () => void): () => void {
  window.addEventListener('resize', tell);
  return () => {
    window.removeEventListener('resize', tell);
  };
}
