/** The picture that was on screen, to draw on: by pointer, or by a cross that the arrow keys move. */
import { type KeyboardEvent, type PointerEvent, useCallback, useEffect, useRef, useState } from 'react';

import { useRoomWords } from '../words/language';
import { drawn, inside, isMeant, type Mark, paintMarks, type Point, type Shape, SHAPES } from './marks';
import * as words from './words';

interface MarkingProps {
  picture: HTMLCanvasElement;
  marks: readonly Mark[];
  onMarks: (marks: readonly Mark[]) => void;
}

const STEP = 0.02;
const FINE_STEP = 0.004;
const ARROWS: Record<string, Point> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function Marking({ picture, marks, onMarks }: MarkingProps) {
  const w = useRoomWords(words);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [shape, setShape] = useState<Shape>('arrow');
  const [text, setText] = useState('');
  const [begun, setBegun] = useState<Mark | null>(null);
  const [cross, setCross] = useState<Point | null>(null);

  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext('2d');
    if (element === null || context == null) return;
    paintAll(context, picture, begun === null ? marks : [...marks, begun]);
    if (cross !== null) paintCross(context, cross, picture);
    element.dataset.marks = String(marks.length);
  }, [picture, marks, begun, cross]);

  const end = useCallback((mark: Mark) => {
    setBegun(null);
    if (isMeant(mark)) onMarks([...marks, mark]);
  }, [marks, onMarks]);
  const begin = (at: Point): void => {
    const mark: Mark = { shape, points: [inside(at)], text: shape === 'text' ? text.trim() : '' };
    if (shape === 'text') end(mark);
    else setBegun(mark);
  };
  const onKey = (event: KeyboardEvent): void => {
    const way = ARROWS[event.key];
    const at = cross ?? ([0.5, 0.5] as const);
    if (way !== undefined) {
      const step = event.shiftKey ? FINE_STEP : STEP;
      const next = inside([at[0] + way[0] * step, at[1] + way[1] * step]);
      setCross(next);
      if (begun !== null) setBegun(drawn(begun, next));
    } else if (event.key === 'Enter') {
      setCross(at);
      if (begun === null) begin(at);
      else end(drawn(begun, at));
    } else if (event.key === 'Backspace' || (event.key === 'z' && event.ctrlKey)) onMarks(marks.slice(0, -1));
    else if (event.key === 'Escape' && begun !== null) setBegun(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div className="marking">
      <div className="marking-tools" role="group" aria-label={w.tools}>
        {SHAPES.map((one) => (
          <button key={one} type="button" className="button" aria-pressed={shape === one} onClick={() => { setShape(one); }} data-testid={`mark-${one}`}>
            {w.tool[one]}
          </button>
        ))}
        {shape === 'text' && (
          <input className="control" value={text} maxLength={60} placeholder={w.labelHint} aria-label={w.label} onChange={(event) => { setText(event.target.value); }} data-testid="mark-label" />
        )}
        <span className="marking-gap" />
        <button type="button" className="button bare" disabled={marks.length === 0} onClick={() => { onMarks(marks.slice(0, -1)); }}>{w.undo}</button>
        <button type="button" className="button bare" disabled={marks.length === 0} onClick={() => { onMarks([]); }}>{w.clear}</button>
      </div>
      <canvas
        ref={canvas} width={picture.width} height={picture.height} tabIndex={0} role="application" aria-label={w.canvas} data-testid="marking"
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          setCross(null);
          begin(placeOf(event));
        }}
        onPointerMove={(event) => { if (begun !== null && event.buttons > 0) setBegun(drawn(begun, placeOf(event))); }}
        onPointerUp={(event) => { if (begun !== null) end(drawn(begun, placeOf(event))); }}
        onPointerCancel={() => { setBegun(null); }}
        onKeyDown={onKey}
      />
      <p className="secondary">{w.picture}</p>
    </div>
  );
}

/** The picture with its marks, as it is sent. */
export function withMarks(picture: HTMLCanvasElement, marks: readonly Mark[]): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = picture.width;
  canvas.height = picture.height;
  const context = canvas.getContext('2d');
  if (context !== null) paintAll(context, picture, marks);
  return canvas;
}

function paintAll(context: CanvasRenderingContext2D, picture: HTMLCanvasElement, marks: readonly Mark[]): void {
  const { colour, edge } = ink();
  context.drawImage(picture, 0, 0);
  paintMarks(context, marks, picture.width, picture.height, colour, edge);
}

function paintCross(context: CanvasRenderingContext2D, [x, y]: Point, { width, height }: HTMLCanvasElement): void {
  context.strokeStyle = ink().colour;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(x * width - 12, y * height);
  context.lineTo(x * width + 12, y * height);
  context.moveTo(x * width, y * height - 12);
  context.lineTo(x * width, y * height + 12);
  context.stroke();
}

function ink(): { colour: string; edge: string } {
  const style = getComputedStyle(document.documentElement);
  return { colour: style.getPropertyValue('--annotation'), edge: style.getPropertyValue('--viewport') };
}

function placeOf(event: PointerEvent<HTMLCanvasElement>): Point {
  const box = event.currentTarget.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
}
