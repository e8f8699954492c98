import { describe, expect, it } from 'vitest';

import { correctedQt } from './qtc';

describe('QT corrected for rate', () => {
  it('is the QT itself at 60 beats a minute, by every formula', () => {
    for (const value of Object.values(correctedQt(400, 1000) ?? {})) expect(value).toBeCloseTo(400, 9);
  });

  it('follows the published formulas at other rates', () => {
    // 75/min: 360/√0.8, 360/∛0.8, 360 + 154·0.2, 360 + 1.75·15
    const { bazett, fridericia, framingham, hodges } = correctedQt(360, 800) ?? { bazett: 0, fridericia: 0, framingham: 0, hodges: 0 };
    expect(bazett).toBeCloseTo(402.49, 2);
    expect(fridericia).toBeCloseTo(387.8, 1);
    expect(framingham).toBeCloseTo(390.8, 9);
    expect(hodges).toBeCloseTo(386.25, 9);
  });

  it('needs an RR that can be one', () => {
    for (const rr of [null, 0, 199, 4001]) expect(correctedQt(400, rr)).toBeNull();
  });
});
