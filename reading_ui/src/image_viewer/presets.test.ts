import { describe, expect, it } from 'vitest';

import { draggedWindow, presetsFor, storedWindow, windowOf, windowText } from './presets';

const stored = { center: 2000, width: 1000 };
const range = { center: 2048, width: 4096 };

describe('windows', () => {
  it('puts the CT windows on the number keys', () => {
    const shown = presetsFor('CT').map((preset) => `${preset.key} ${preset.name} ${windowText(windowOf(preset, stored, range))}`);
    expect(shown).toEqual(['1 soft 40/400', '2 lung -600/1500', '3 bone 400/1800', '4 brain 35/80', '5 liver 60/150', '6 stored 2000/1000', '7 full 2048/4096']);
  });

  it('keeps to the stored window and its variations on films', () => {
    expect(presetsFor('DX').map((preset) => preset.name)).toEqual(['stored', 'full', 'narrow', 'wide', 'bright', 'dark']);
    expect(presetsFor('DX').map((preset) => windowText(windowOf(preset, stored, range)))).toEqual(['2000/1000', '2048/4096', '2000/600', '2000/1600', '1800/1000', '2200/1000']);
  });

  it('moves finer with shift, and never to a width below one', () => {
    const wide = draggedWindow(stored, 10, 0, false).width - stored.width;
    expect(draggedWindow(stored, 10, 0, true).width - stored.width).toBeCloseTo(wide / 8);
    expect(draggedWindow(stored, -10_000, 0, false).width).toBe(1);
    expect(draggedWindow(stored, 0, 10, false).center).toBeGreaterThan(stored.center);
  });

  it('reads what the data set stores, the frame of an enhanced one before the shared', () => {
    expect(storedWindow({ '00281050': { vr: 'DS', Value: [40, 300] }, '00281051': { vr: 'DS', Value: [400, 1500] } })).toEqual({ center: 40, width: 400 });
    expect(storedWindow({ '00281050': { vr: 'DS', Value: [40] }, '00281051': { vr: 'DS', Value: [0] } })).toBeNull();
    expect(storedWindow({ '00283010': { vr: 'SQ', Value: [{ '00283002': { vr: 'US', Value: [0, 0, 16] } }] } })).toEqual({ center: 32768, width: 65536 });
    const frame = { '00289132': { vr: 'SQ', Value: [{ '00281050': { vr: 'DS', Value: [7] }, '00281051': { vr: 'DS', Value: [9] } }] } };
    expect(storedWindow({ '52009230': { vr: 'SQ', Value: [{}, frame] } }, 1)).toEqual({ center: 7, width: 9 });
  });
});
