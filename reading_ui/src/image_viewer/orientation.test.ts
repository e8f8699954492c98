import { describe, expect, it } from 'vitest';

import type { DicomJson } from './attributes';
import { marksOf } from './orientation';

const film: DicomJson = { '00200020': { vr: 'CS', Value: ['L', 'F'] } };
const axial: DicomJson = { '00200037': { vr: 'DS', Value: [1, 0, 0, 0, 1, 0] } };
const oblique: DicomJson = { '00200037': { vr: 'DS', Value: [0.866, 0.5, 0, 0, 0, -1] } };
const upright = [{ columns: 1, rows: 0 }, { columns: 0, rows: 1 }] as const;

describe('the sides of the patient follow the picture however it is turned (E1)', () => {
  it('marks a chest film as hung', () => {
    expect(marksOf(film, 0, ...upright)).toEqual({ left: 'R', right: 'L', top: 'H', bottom: 'F' });
  });

  it('marks an axial slice', () => {
    expect(marksOf(axial, 0, ...upright)).toEqual({ left: 'R', right: 'L', top: 'A', bottom: 'P' });
  });

  it('turns with a quarter to the right', () => {
    // After a quarter turn to the right the screen's right runs up the image, its bottom along the image's rows.
    expect(marksOf(film, 0, { columns: 0, rows: -1 }, { columns: 1, rows: 0 })).toEqual({ left: 'F', right: 'H', top: 'R', bottom: 'L' });
  });

  it('changes sides with a flip, which must be seen', () => {
    expect(marksOf(film, 0, { columns: -1, rows: 0 }, { columns: 0, rows: 1 })).toEqual({ left: 'L', right: 'R', top: 'H', bottom: 'F' });
  });

  it('names both axes of an oblique one, the larger first', () => {
    expect(marksOf(oblique, 0, ...upright)).toEqual({ left: 'RA', right: 'LP', top: 'H', bottom: 'F' });
  });

  it.each([{}, { '00200020': { vr: 'CS', Value: ['X', 'F'] } }, { '00200020': { vr: 'CS', Value: ['L'] } }])('says nothing where the device said nothing usable', (json) => {
    expect(marksOf(json as DicomJson, 0, ...upright)).toEqual({ left: '', right: '', top: '', bottom: '' });
  });
});
