/** A sheet to look at, without tools: grid and traces on one canvas, the leads' names above. For comparing two ECGs. */
import { useLayoutEffect, useRef } from 'react';

import { labelOf, type Sheet } from './geometry';
import { inkOf, paintGrid, paintTraces, sizeCanvas } from './paint';
import type { Source } from './sources';

interface PictureProps {
  sheet: Sheet;
  sources: readonly Source[];
  pxPerMm: number;
  label: string;
  testId: string;
}

export function SheetPicture({ sheet, sources, pxPerMm, label, testId }: PictureProps) {
  const grid = useRef<HTMLCanvasElement>(null);
  const paper = useRef<HTMLCanvasElement>(null);
  const { widthMm, heightMm } = sheet;
  useLayoutEffect(() => {
    const context = paper.current?.getContext('2d');
    if (grid.current === null || paper.current === null || context == null) return;
    const dots = sizeCanvas(grid.current, widthMm, heightMm, pxPerMm, window.devicePixelRatio);
    paintGrid(grid.current, { widthMm, heightMm }, dots, inkOf(grid.current));
    sizeCanvas(paper.current, widthMm, heightMm, pxPerMm, window.devicePixelRatio);
    context.clearRect(0, 0, paper.current.width, paper.current.height);
    paintTraces(context, sheet, dots, inkOf(paper.current), sources);
    paper.current.dataset.state = 'drawn';
  }, [sheet, sources, pxPerMm, widthMm, heightMm]);
  const css = (mm: number) => `${String(mm * pxPerMm)}px`;
  return (
    <div className="ecg-sheet" style={{ width: css(widthMm), height: css(heightMm) }} role="img" aria-label={label}>
      <canvas ref={grid} aria-hidden />
      <canvas ref={paper} aria-hidden data-testid={testId} data-px-per-mm={pxPerMm} data-mm-per-s={sheet.paper.mmPerS} data-mm-per-mv={sheet.paper.mmPerMv} />
      <svg viewBox={`0 0 ${String(widthMm)} ${String(heightMm)}`} aria-hidden>
        {sheet.segments.map((segment) => (
          <text key={`${segment.name} ${String(segment.baselineMm)} ${String(segment.xMm)}`} x={segment.labelXMm} y={segment.labelYMm} fontSize={4.4} fontWeight={600}>
            {labelOf(segment, sheet)}
          </text>
        ))}
      </svg>
    </div>
  );
}
