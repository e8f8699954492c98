/** The calipers over the paper, in millimetres: arms to drag, or to move with the arrow keys one sample at a time. */
import type { KeyboardEvent, PointerEvent } from 'react';
import { useRef } from 'react';

import { useRoomWords } from '../words/language';
import { type Caliper, type Handle, keyStepMm, marchMm, moveArm, readCaliper } from './calipers';
import { type Sheet, xOf } from './geometry';
import { readingText } from './read_out';
import * as words from './words';

interface LayerProps {
  sheet: Sheet;
  intervalUs: number;
  calipers: readonly Caliper[];
  isMarching: boolean;
  onChange: (caliper: Caliper) => void;
}

export function CaliperLayer({ sheet, intervalUs, calipers, isMarching, onChange }: LayerProps) {
  return calipers.map((caliper) => (
    <OneCaliper key={caliper.kind} sheet={sheet} intervalUs={intervalUs} caliper={caliper} isMarching={isMarching} onChange={onChange} />
  ));
}

function OneCaliper({ sheet, intervalUs, caliper, isMarching, onChange }: Omit<LayerProps, 'calipers'> & { caliper: Caliper }) {
  const w = useRoomWords(words);
  const name = w.calipers[caliper.kind];
  const text = `${caliper.kind === 'qt' ? 'QT ' : ''}${readingText(readCaliper(caliper, sheet), w)}`;
  const isUpright = caliper.kind !== 'voltage';
  const one = isUpright ? xOf(sheet, caliper.a) : caliper.a;
  const two = isUpright ? xOf(sheet, caliper.b) : caliper.b;
  const arms: [Handle, number][] = [['a', one], ['b', two]];
  const bar = isUpright
    ? { x1: one, x2: two, y1: caliper.yMm, y2: caliper.yMm }
    : { x1: caliper.xMm, x2: caliper.xMm, y1: one, y2: two };
  const grip = useGrip(caliper, sheet, intervalUs, onChange);
  return (
    <g className={`ecg-caliper ${caliper.kind}`} data-testid={`caliper-${caliper.kind}`}>
      {caliper.kind === 'time' && isMarching && marchMm(caliper, sheet).map((x) => (
        <line key={x} className="march" data-testid="caliper-march" x1={x} x2={x} y1={0} y2={sheet.heightMm} strokeWidth={0.25} strokeDasharray="1 1" />
      ))}
      <line {...bar} strokeWidth={0.3} />
      {arms.map(([handle, at]) => {
        const line = isUpright
          ? { x1: at, x2: at, y1: 0, y2: sheet.heightMm }
          : { x1: 0, x2: sheet.widthMm, y1: at, y2: at };
        return (
          <g key={handle} role="slider" tabIndex={0} aria-label={`${name} ${w.arm[handle] ?? ''}`}
            aria-orientation={isUpright ? 'horizontal' : 'vertical'} aria-valuenow={Number(at.toFixed(2))} aria-valuetext={text}
            data-testid={`caliper-${caliper.kind}-${handle}`} {...grip(handle)}>
            <line className="arm" {...line} strokeWidth={0.3} />
            <line className="grip" {...line} strokeWidth={3} />
          </g>
        );
      })}
      <g role="slider" tabIndex={0} aria-label={`${name} ${w.arm.both ?? ''}`} aria-valuenow={Number(one.toFixed(2))} aria-valuetext={text}
        data-testid={`caliper-${caliper.kind}-both`} {...grip('both')}>
        <line className="arm" {...bar} strokeWidth={0.3} />
        <line className="grip bar" {...bar} strokeWidth={4} />
      </g>
      <text x={isUpright ? Math.min(one, two) + 1 : caliper.xMm + 1.5} y={isUpright ? caliper.yMm - 1 : (one + two) / 2 + 1.2} fontSize={3.6}
        data-testid={`caliper-${caliper.kind}-label`}>
        {text}
      </text>
    </g>
  );
}

/** Drag and key handlers of one handle. The drag begins where the pointer went down, so nothing jumps. */
function useGrip(caliper: Caliper, sheet: Sheet, intervalUs: number, onChange: (caliper: Caliper) => void) {
  const drag = useRef<{ from: { x: number; y: number }; caliper: Caliper } | null>(null);
  return (handle: Handle) => ({
    onPointerDown: (event: PointerEvent<SVGElement>) => {
      event.stopPropagation();
      event.currentTarget.setPointerCapture(event.pointerId);
      drag.current = { from: millimetres(event), caliper };
    },
    onPointerMove: (event: PointerEvent<SVGElement>) => {
      if (drag.current === null || !event.currentTarget.hasPointerCapture(event.pointerId)) return;
      const { x, y } = millimetres(event);
      const { from, caliper: begun } = drag.current;
      onChange(moveArm(begun, handle, x - from.x, y - from.y, sheet, intervalUs));
    },
    onPointerUp: () => {
      drag.current = null;
    },
    onKeyDown: (event: KeyboardEvent<SVGElement>) => {
      const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
      const along = caliper.kind === 'voltage' ? dy : dx;
      const across = caliper.kind === 'voltage' ? dx : dy;
      if ((along ?? 0) === 0 && (handle !== 'both' || (across ?? 0) === 0)) return;
      event.preventDefault();
      const step = keyStepMm(caliper, sheet, intervalUs, event.ctrlKey || event.altKey ? 'millimetre' : event.shiftKey ? 'ten' : 'one');
      const aside = event.shiftKey ? 10 : 1; // the bar moves across by millimetres
      const [x, y] = caliper.kind === 'voltage' ? [(dx ?? 0) * aside, (dy ?? 0) * step] : [(dx ?? 0) * step, (dy ?? 0) * aside];
      onChange(moveArm(caliper, handle, x, y, sheet, intervalUs));
    },
  });
}

/** Where on the sheet the pointer is. */
export function millimetres(event: PointerEvent<Element>): { x: number; y: number } {
  const target = event.currentTarget;
  const svg = target instanceof SVGSVGElement ? target : target instanceof SVGElement ? target.ownerSVGElement : null;
  if (svg === null) return { x: 0, y: 0 };
  const box = svg.getBoundingClientRect();
  const { width, height } = svg.viewBox.baseVal;
  return { x: ((event.clientX - box.left) / box.width) * width, y: ((event.clientY - box.top) / box.height) * height };
}
