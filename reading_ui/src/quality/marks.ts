/**
 * What a reader draws on a rejected picture: arrows, circles, lines by hand, words. Pure geometry in parts of the picture's
 * width and height (0 to 1), and one function that paints them.
 */
export type Shape = 'arrow' | 'circle' | 'line' | 'text';
export type Point = readonly [x: number, y: number];

export interface Mark {
  shape: Shape;
  points: Point[];
  text: string;
}

export const SHAPES: readonly Shape[] = ['arrow', 'circle', 'line', 'text'];
const SMALLEST = 0.01;
const LINE_STEP = 0.004;
const MOST_POINTS = 400;

/** Inside the picture, whatever the pointer did. */
export function inside([x, y]: Point): Point {
  return [Math.min(1, Math.max(0, x)), Math.min(1, Math.max(0, y))];
}

/** The mark while it is being drawn: an arrow and a circle have two ends, a line grows, a text stands still. */
export function drawn(mark: Mark, to: Point): Mark {
  const end = inside(to);
  const first = mark.points[0] ?? end;
  if (mark.shape === 'text') return { ...mark, points: [end] };
  if (mark.shape !== 'line') return { ...mark, points: [first, end] };
  const last = mark.points.at(-1) ?? end;
  const isNear = Math.hypot(end[0] - last[0], end[1] - last[1]) < LINE_STEP;
  return isNear || mark.points.length >= MOST_POINTS ? mark : { ...mark, points: [...mark.points, end] };
}

/** False for a slip of the hand: too small to be seen, or words without a word. */
export function isMeant(mark: Mark): boolean {
  if (mark.shape === 'text') return mark.text.trim() !== '';
  const xs = mark.points.map(([x]) => x);
  const ys = mark.points.map(([, y]) => y);
  return mark.points.length > 1 && Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys)) >= SMALLEST;
}

/** The two barbs of an arrow's head, in pixels, `length` long and 25° off the shaft. */
export function barbs(from: Point, to: Point, length: number): [Point, Point] {
  const angle = Math.atan2(to[1] - from[1], to[0] - from[0]);
  const off = (25 * Math.PI) / 180;
  return [
    [to[0] - length * Math.cos(angle - off), to[1] - length * Math.sin(angle - off)],
    [to[0] - length * Math.cos(angle + off), to[1] - length * Math.sin(angle + off)],
  ];
}

export interface Ellipse {
  x: number;
  y: number;
  radiusX: number;
  radiusY: number;
}

/** The ellipse inside the box between two corners. */
export function ellipseOf(a: Point, b: Point): Ellipse {
  return { x: (a[0] + b[0]) / 2, y: (a[1] + b[1]) / 2, radiusX: Math.abs(a[0] - b[0]) / 2, radiusY: Math.abs(a[1] - b[1]) / 2 };
}

/** Paints the marks over a picture of this size: bright strokes on a dark edge, to be seen on bone and on air. */
export function paintMarks(context: CanvasRenderingContext2D, marks: readonly Mark[], width: number, height: number, colour: string, edge: string): void {
  const pen = Math.max(2, Math.min(width, height) / 200);
  context.lineCap = 'round';
  context.lineJoin = 'round';
  for (const mark of marks) {
    const points = mark.points.map(([x, y]): Point => [x * width, y * height]);
    if (mark.shape === 'text') {
      writeText(context, mark.text, points[0] ?? [0, 0], Math.max(16, pen * 9), colour, edge);
      continue;
    }
    for (const [style, wide] of [[edge, pen * 2.2], [colour, pen]] as const) {
      context.strokeStyle = style;
      context.lineWidth = wide;
      context.beginPath();
      trace(context, mark.shape, points, pen);
      context.stroke();
    }
  }
}

function trace(context: CanvasRenderingContext2D, shape: Shape, points: readonly Point[], pen: number): void {
  const [from, to] = points;
  if (from === undefined || to === undefined) return;
  if (shape === 'circle') {
    const { x, y, radiusX, radiusY } = ellipseOf(from, to);
    context.ellipse(x, y, radiusX, radiusY, 0, 0, 2 * Math.PI);
    return;
  }
  context.moveTo(...from);
  for (const point of points.slice(1)) context.lineTo(...point);
  if (shape === 'arrow') {
    for (const barb of barbs(from, to, pen * 7)) {
      context.moveTo(...to);
      context.lineTo(...barb);
    }
  }
}

function writeText(context: CanvasRenderingContext2D, text: string, [x, y]: Point, size: number, colour: string, edge: string): void {
  context.font = `600 ${String(size)}px sans-serif`;
  context.textBaseline = 'middle';
  context.strokeStyle = edge;
  context.lineWidth = size / 4;
  context.strokeText(text, x, y);
  context.fillStyle = colour;
  context.fillText(text, x, y);
}
