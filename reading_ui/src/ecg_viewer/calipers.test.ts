import { describe, expect, it } from 'vitest';

import { keyStepMm, marchMm, moveArm, placeCaliper, readCaliper, type TimeCaliper } from './calipers';
import { layOut, xOf } from './geometry';

const sheet = layOut({ leadNames: ['II'], layout: '12x1', paper: { mmPerS: 25, mmPerMv: 10 }, startS: 0, durationS: 10 });
const time: TimeCaliper = { kind: 'time', a: 1, b: 1.812, yMm: 20 };

describe('calipers', () => {
  it('read milliseconds and the rate', () => {
    const reading = readCaliper(time, sheet);
    expect(reading.ms).toBeCloseTo(812, 6);
    expect(reading.perMinute).toBeCloseTo(73.89, 2);
  });

  it('give no rate for what cannot be one', () => {
    expect(readCaliper({ ...time, b: 1.05 }, sheet).perMinute).toBeNull();
  });

  it('read millivolts by the gain', () => {
    expect(readCaliper({ kind: 'voltage', a: 40, b: 27.5, xMm: 50 }, sheet).mv).toBeCloseTo(1.25, 9);
  });

  it('snap to samples', () => {
    const moved = moveArm(time, 'b', 0.033, 0, sheet, 2000);
    expect(Number(((moved.b * 1000) % 2).toFixed(6)) % 2).toBe(0);
  });

  it('move one arm by one sample a key press', () => {
    const moved = moveArm(time, 'b', keyStepMm(time, sheet, 2000), 0, sheet, 2000);
    expect(moved.b - time.b).toBeCloseTo(0.002, 9);
    expect(moved.a).toBe(time.a);
  });

  it('stay on the sheet', () => {
    expect(moveArm(time, 'a', -9999, 0, sheet, 2000).a).toBe(0);
    expect(moveArm(time, 'b', 9999, 0, sheet, 2000).b).toBe(10);
  });

  it('are placed around a point', () => {
    const placed = placeCaliper('time', sheet, xOf(sheet, 5), 30, 2000);
    expect(readCaliper(placed, sheet).ms).toBeCloseTo(800, 6);
    expect(readCaliper(placeCaliper('voltage', sheet, 50, 60, 2000), sheet).mv).toBeCloseTo(1, 9);
  });

  it('keep their width when they are moved as a whole', () => {
    const moved = moveArm({ ...time, b: 1.8 }, 'both', -9999, 0, sheet, 2000);
    expect([moved.a, moved.b]).toEqual([0, 0.8]);
  });

  it('move by one sample, ten samples, or a millimetre', () => {
    const steps = (['one', 'ten', 'millimetre'] as const).map((stride) => keyStepMm(time, sheet, 2000, stride));
    expect(steps.map((mm) => Number(mm.toFixed(9)))).toEqual([0.05, 0.5, 1]);
  });

  it('read half the gain where a chest lead has it', () => {
    const halved = layOut({ leadNames: ['I', 'V1'], layout: '12x1', paper: { mmPerS: 25, mmPerMv: 10, isChestHalved: true }, startS: 0, durationS: 10 });
    const [limb, chest] = halved.segments;
    const over = (baselineMm: number) => readCaliper({ kind: 'voltage', a: baselineMm, b: baselineMm - 5, xMm: 50 }, halved).mv;
    expect([over(limb?.baselineMm ?? 0), over(chest?.baselineMm ?? 0)]).toEqual([0.5, 1]);
    expect(readCaliper(placeCaliper('voltage', halved, 50, chest?.baselineMm ?? 0, 2000), halved).mv).toBeCloseTo(1, 9);
  });

  it('of a QT read no rate', () => {
    expect(readCaliper({ ...time, kind: 'qt', b: 1.4 }, sheet)).toMatchObject({ perMinute: null, mv: null });
  });

  it('march on at the same interval over the whole sheet', () => {
    const marks = marchMm({ kind: 'time', a: 2, b: 3, yMm: 0 }, sheet);
    expect(marks.map((mm) => Math.round((mm - sheet.tracesLeftMm) / 25))).toEqual([0, 1, 4, 5, 6, 7, 8, 9, 10]);
  });
});
