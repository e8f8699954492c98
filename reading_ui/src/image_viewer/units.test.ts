import { describe, expect, it } from 'vitest';

import type { DicomJson } from './attributes';
import { lengthBetween, spacingOf } from './units';

const a = { column: 0, row: 0 };
const b = { column: 300, row: 400 };
const cs = (value: string) => ({ vr: 'CS', Value: [value] });
const ds = (...values: number[]) => ({ vr: 'DS', Value: values });
const plane = { '00200037': ds(1, 0, 0, 0, 1, 0), '00200032': ds(0, 0, 0) };

function region(overrides: Record<string, number>): DicomJson {
  const values: Record<string, number> = {
    '00186018': 0, '0018601A': 0, '0018601C': 639, '0018601E': 479, '00186014': 1, '00186024': 3, '00186026': 3, '0018602C': 0.02, '0018602E': 0.02, ...overrides,
  };
  return Object.fromEntries(Object.entries(values).map(([tag, value]) => [tag, { vr: 'UL', Value: [value] }]));
}

describe('a length is right or in pixels (promise 6)', () => {
  it('measures a CT in the patient', () => {
    const json: DicomJson = { '00080060': cs('CT'), '00280030': ds(0.5, 0.7), ...plane };
    expect(lengthBetween(json, 0, a, b)).toEqual({ kind: 'patient', mm: Math.hypot(300 * 0.7, 400 * 0.5), px: 500 });
  });

  it('says that a film is measured on the detector', () => {
    const json: DicomJson = { '00080060': cs('DX'), '00181164': ds(0.2, 0.2) };
    expect(lengthBetween(json, 0, a, b)).toEqual({ kind: 'detector', mm: 100, px: 500 });
  });

  it('takes Pixel Spacing of a film that equals the imager spacing as the detector too', () => {
    expect(spacingOf({ '00080060': cs('CR'), '00181164': ds(0.2, 0.2), '00280030': ds(0.2, 0.2) }).kind).toBe('detector');
  });

  it('believes a calibration that the device states', () => {
    const json: DicomJson = { '00080060': cs('DX'), '00181164': ds(0.2, 0.2), '00280030': ds(0.18, 0.18) };
    expect(spacingOf({ ...json, '00280402': cs('FIDUCIAL') })).toEqual({ kind: 'calibrated', row_mm: 0.18, column_mm: 0.18 });
    expect(spacingOf({ ...json, '00280402': cs('GEOMETRY') }).kind).toBe('corrected');
  });

  it.each([
    ['no spacing', { '00080060': cs('DX') }],
    ['spacing of zero', { '00080060': cs('DX'), '00181164': ds(0, 0) }],
    ['one number alone', { '00080060': cs('CR'), '00181164': ds(0.2) }],
    ['a photograph with a spacing that nobody calibrated', { '00080060': cs('OT'), '00280030': ds(1, 1) }],
  ])('gives pixels for %s', (_, json) => {
    expect(lengthBetween(json as DicomJson, 0, a, b)).toEqual({ kind: 'unknown', mm: null, px: 500 });
  });

  it('measures ultrasound only inside one region of centimetres', () => {
    const us = (...regions: DicomJson[]): DicomJson => ({ '00080060': cs('US'), '00280030': ds(9, 9), '00186011': { vr: 'SQ', Value: regions } });
    expect(lengthBetween(us(region({})), 0, a, b)).toEqual({ kind: 'region', mm: 100, px: 500 });
    expect(lengthBetween(us(region({ '0018601C': 200 })), 0, a, b).mm).toBeNull(); // the end lies outside
    expect(lengthBetween(us(region({ '00186024': 4 })), 0, a, b).mm).toBeNull(); // seconds along x: an M-mode
    expect(lengthBetween(us(region({ '00186014': 3 })), 0, a, b).mm).toBeNull(); // spectral Doppler
    expect(lengthBetween(us(region({}), region({ '0018602C': 0.05 })), 0, a, b).mm).toBeNull(); // regions that contradict
  });

  it('reads the spacing of an enhanced object from its functional groups', () => {
    const measures: DicomJson = { '00289110': { vr: 'SQ', Value: [{ '00280030': ds(0.4, 0.4) }] }, '00209116': { vr: 'SQ', Value: [{ '00200037': ds(1, 0, 0, 0, 1, 0) }] } };
    expect(spacingOf({ '00080060': cs('CT'), '52009229': { vr: 'SQ', Value: [measures] } })).toEqual({ kind: 'patient', row_mm: 0.4, column_mm: 0.4 });
  });
});
