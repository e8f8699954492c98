import { describe, expect, it } from 'vitest';

import { type Arrangement, bestLayout, layoutsFor, LAYOUTS, rhythmLead, rowsOf } from './layouts';

const TWELVE = ['I', 'II', 'III', 'aVR', 'aVL', 'aVF', 'V1', 'V2', 'V3', 'V4', 'V5', 'V6'];
const EIGHTEEN = [...TWELVE, 'V7', 'V8', 'V9', 'V3R', 'V4R', 'V5R'];
const usual: Arrangement = { leadNames: TWELVE, layout: '3x4+1', isCabrera: false, rhythm: null, overlay: [] };
const labels = (more: Partial<Arrangement>) => rowsOf({ ...usual, ...more }).map((row) => row.slots.map((slot) => slot.label).join(' '));

describe('layouts', () => {
  it('have the leads where a cardiologist looks for them', () => {
    const three = ['I aVR V1 V4', 'II aVL V2 V5', 'III aVF V3 V6'];
    expect(labels({ layout: '3x4' })).toEqual(three);
    expect(labels({ layout: '3x4+1' })).toEqual([...three, 'II']);
    expect(labels({ layout: '3x4+3' })).toEqual([...three, 'II', 'V1', 'V5']);
    expect(labels({ layout: '6x2' })).toEqual(['I V1', 'II V2', 'III V3', 'aVR V4', 'aVL V5', 'aVF V6']);
    expect(labels({ layout: '6x2+1' }).at(-1)).toBe('II');
    expect(labels({ layout: '12x1' })).toEqual(TWELVE);
    expect(labels({ layout: 'strip' })).toEqual(['II']);
  });

  it('in Cabrera order go round the heart, with aVR turned', () => {
    expect(labels({ layout: '3x4', isCabrera: true })).toEqual(['aVL II V1 V4', 'I aVF V2 V5', '−aVR III V3 V6']);
    expect(labels({ layout: '12x1', isCabrera: true }).slice(0, 6)).toEqual(['aVL', 'I', '−aVR', 'II', 'aVF', 'III']);
    const turned = rowsOf({ ...usual, layout: '12x1', isCabrera: true })[2]?.slots[0];
    expect(turned).toMatchObject({ polarity: -1, leadIndex: TWELVE.indexOf('aVR') });
  });

  it('take up to six more leads into further columns, however the record orders them', () => {
    const shuffled = [...EIGHTEEN].reverse();
    expect(labels({ leadNames: shuffled, layout: '3x4' })).toEqual(['I aVR V1 V4 V7 V3R', 'II aVL V2 V5 V8 V4R', 'III aVF V3 V6 V9 V5R']);
    expect(labels({ leadNames: shuffled, layout: '6x2' })[0]).toBe('I V1 V7');
    expect(labels({ leadNames: shuffled, layout: '12x1' })).toEqual(EIGHTEEN);
    expect(labels({ leadNames: [...TWELVE, 'VX', 'VY', 'VZ'], layout: '3x4' })[0]).toBe('I aVR V1 V4 VX');
  });

  it('leave the place of a missing lead empty', () => {
    const rows = rowsOf({ ...usual, leadNames: ['I', 'II', 'V1'], layout: '3x4' });
    expect(rows[0]?.slots.map((slot) => slot.leadIndex)).toEqual([0, -1, 2, -1]);
  });

  it('know a lead whatever its letters', () => {
    expect(rowsOf({ ...usual, leadNames: ['i', 'AVR'], layout: '3x4' })[0]?.slots.map((slot) => slot.leadIndex)).toEqual([0, 1, -1, -1]);
  });

  it('put the chosen rhythm lead first', () => {
    expect(labels({ rhythm: 'V1' }).at(-1)).toBe('V1');
    expect(labels({ layout: '3x4+3', rhythm: 'aVF' }).slice(-3)).toEqual(['aVF', 'V1', 'V5']);
    expect([rhythmLead(['MLII', 'V5'], null), rhythmLead(['X', 'Y'], null), rhythmLead([], null)]).toEqual(['MLII', 'X', undefined]);
  });

  it('lay the chosen leads on top of each other', () => {
    expect(labels({ layout: 'overlay', overlay: ['V2', 'I'] })).toEqual(['I V2']);
    expect(rowsOf({ ...usual, layout: 'overlay' })[0]?.slots).toHaveLength(12);
  });

  it('that need the twelve are not offered for a Holter', () => {
    expect(layoutsFor(TWELVE)).toEqual(LAYOUTS);
    expect(layoutsFor(['MLII', 'V5'])).toEqual(['12x1', 'strip', 'overlay']);
    expect(layoutsFor(['unknown'])).toEqual(['12x1', 'strip']);
    expect([bestLayout(TWELVE), bestLayout(['MLII', 'V5'])]).toEqual(['3x4+1', '12x1']);
    expect(labels({ leadNames: ['MLII', 'unknown'], layout: '12x1' })).toEqual(['MLII', 'unknown']);
  });
});
