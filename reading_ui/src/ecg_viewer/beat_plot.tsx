/** One picture of median beats on millimetre paper, as vectors: for a single lead, or all of them on top of each other. */
import type { CSSProperties, ReactNode } from 'react';

import { wholeMm } from './beat_lines';

export interface BeatFrame {
  leftMm: number;
  rightMm: number;
  topMm: number;
  bottomMm: number;
}

export interface BeatLine {
  key: string;
  path: string;
  /** front, back, earlier: how the line is drawn. */
  look: 'front' | 'back' | 'earlier';
}

interface BeatPlotProps {
  frame: BeatFrame;
  lines: readonly BeatLine[];
  label: string;
  testId?: string;
  /** Lines and words above the beats. */
  children?: ReactNode;
}

export function BeatPlot({ frame, lines, label, testId, children }: BeatPlotProps) {
  const { leftMm, rightMm, topMm, bottomMm } = frame;
  return (
    <svg className="ecg-beat" style={{ '--beat-ratio': (rightMm - leftMm) / (bottomMm - topMm) } as CSSProperties} viewBox={[leftMm, topMm, rightMm - leftMm, bottomMm - topMm].map((mm) => mm.toFixed(2)).join(' ')} role="group" aria-label={label} data-testid={testId}>
      <path className="fine" d={grid(frame, 1)} />
      <path className="heavy" d={grid(frame, 5)} />
      {lines.map(({ key, path, look }) => <path key={key} className={`beat ${look}`} d={path} data-testid={`beat-${look}`} />)}
      {children}
    </svg>
  );
}

function grid({ leftMm, rightMm, topMm, bottomMm }: BeatFrame, step: number): string {
  const upright = wholeMm(leftMm, rightMm, step).map((x) => `M${String(x)} ${topMm.toFixed(2)}V${bottomMm.toFixed(2)}`);
  const level = wholeMm(topMm, bottomMm, step).map((y) => `M${leftMm.toFixed(2)} ${String(y)}H${rightMm.toFixed(2)}`);
  return [...upright, ...level].join('');
}
