import { describe, expect, it } from 'vitest';

import { barbs, drawn, ellipseOf, inside, isMeant, type Mark } from './marks';

const arrow: Mark = { shape: 'arrow', points: [[0.2, 0.2]], text: '' };

describe('marks on a rejected picture', () => {
  it('stay inside the picture', () => {
    expect(inside([-3, 1.2])).toEqual([0, 1]);
    expect(drawn(arrow, [2, 0.5]).points).toEqual([[0.2, 0.2], [1, 0.5]]);
  });

  it('an arrow and a circle have two ends however far the hand went', () => {
    const twice = drawn(drawn(arrow, [0.5, 0.5]), [0.9, 0.3]);
    expect(twice.points).toEqual([[0.2, 0.2], [0.9, 0.3]]);
  });

  it('a line grows only where the hand moved, and not without end', () => {
    let line: Mark = { shape: 'line', points: [[0, 0]], text: '' };
    line = drawn(line, [0.001, 0.001]);
    expect(line.points).toHaveLength(1);
    for (let step = 1; step < 1000; step += 1) line = drawn(line, [(step % 100) / 100, (step % 37) / 37]);
    expect(line.points).toHaveLength(400);
  });

  it('a slip of the hand is none', () => {
    expect(isMeant(drawn(arrow, [0.205, 0.2]))).toBe(false);
    expect(isMeant(drawn(arrow, [0.25, 0.2]))).toBe(true);
    expect(isMeant({ shape: 'text', points: [[0, 0]], text: '  ' })).toBe(false);
    expect(isMeant({ shape: 'text', points: [[0, 0]], text: 'x' })).toBe(true);
  });

  it('the head of an arrow points where it goes', () => {
    const [one, other] = barbs([0, 0], [100, 0], 10);
    expect(one[0]).toBeCloseTo(100 - 10 * Math.cos((25 * Math.PI) / 180));
    expect(one[0]).toBeCloseTo(other[0]);
    expect(one[1]).toBeCloseTo(-other[1]);
  });

  it('a circle fills the box between two corners, whichever came first', () => {
    expect(ellipseOf([10, 20], [30, 60])).toEqual({ x: 20, y: 40, radiusX: 10, radiusY: 20 });
    expect(ellipseOf([30, 60], [10, 20])).toEqual(ellipseOf([10, 20], [30, 60]));
  });
});
