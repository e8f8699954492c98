/** The points of a median beat as lines to drag, or to move with the arrow keys; the gateway's own places stay dashed. */
import type { KeyboardEvent, PointerEvent } from 'react';
import { useRef } from 'react';

import { useRoomWords } from '../words/language';
import type { BeatFrame } from './beat_plot';
import { millimetres } from './caliper_layer';
import { type Beat, type Fiducial, FIDUCIALS, moved, type Points, stepped } from './fiducials';
import * as words from './words_tools';

interface LinesProps {
  frame: BeatFrame;
  mmPerS: number;
  beat: Beat;
  points: Points;
  original: Points;
  /** Nobody who looks may move them. */
  isFixed: boolean;
  onPoints: (points: Points) => void;
}

const LABEL_ROWS = 3;
const LABEL_MM = 4;

export function FiducialLines({ frame, mmPerS, beat, points, original, isFixed, onPoints }: LinesProps) {
  const w = useRoomWords(words);
  const drag = useRef<{ fromMm: number; fromUs: number } | null>(null);
  const xOf = (us: number) => (us / 1e6) * mmPerS;
  const endMs = ((beat.sample_count - 1) * beat.interval_us) / 1000;
  const press = (name: Fiducial) => (event: KeyboardEvent) => {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (way === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    onPoints(stepped(points, name, way * (event.shiftKey ? 10 : 1), beat));
  };
  const grip = (name: Fiducial, us: number) => (isFixed ? {} : {
    role: 'slider', tabIndex: 0, 'aria-orientation': 'horizontal' as const, 'aria-valuemin': 0, 'aria-valuemax': endMs, 'aria-valuenow': us / 1000,
    'aria-valuetext': w.atMs((us / 1000).toFixed(1)), onKeyDown: press(name),
    onPointerDown: (event: PointerEvent<SVGElement>) => {
      event.currentTarget.setPointerCapture(event.pointerId);
      event.currentTarget.focus();
      drag.current = { fromMm: millimetres(event).x, fromUs: us };
    },
    onPointerMove: (event: PointerEvent<SVGElement>) => {
      if (drag.current === null || !event.currentTarget.hasPointerCapture(event.pointerId)) return;
      const { fromMm, fromUs } = drag.current;
      onPoints(moved(points, name, fromUs + ((millimetres(event).x - fromMm) / mmPerS) * 1e6, beat));
    },
    onPointerUp: () => { drag.current = null; },
  });
  return FIDUCIALS.map((name, index) => {
    const us = points[name];
    const before = original[name];
    const labelMm = frame.topMm + LABEL_MM * (1 + (index % LABEL_ROWS)) - 0.6;
    return (
      <g key={name}>
        {before !== undefined && before !== us && (
          <line className="fiducial-original" x1={xOf(before)} x2={xOf(before)} y1={frame.topMm} y2={frame.bottomMm} data-testid={`original-${name}`} data-us={before} />
        )}
        {us !== undefined && (
          <g className={`fiducial ${us === before ? '' : 'moved'}`} aria-label={w.fiducials[name]} data-testid={`fiducial-${name}`} data-us={us} {...grip(name, us)}>
            <line className="arm" x1={xOf(us)} x2={xOf(us)} y1={labelMm + 0.8} y2={frame.bottomMm} />
            <line className="grip" x1={xOf(us)} x2={xOf(us)} y1={frame.topMm} y2={frame.bottomMm} />
            <text x={xOf(us)} y={labelMm} textAnchor="middle">{w.fiducialMarks[name]}</text>
          </g>
        )}
      </g>
    );
  });
}
