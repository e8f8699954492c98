import { describe, expect, it } from 'vitest';

import type { LeadSamples } from '../ecg_viewer/trace';
import { MUTE_MS, muteAll, muteInForce, ringing } from './alarm';
import { fitSheet } from './fit';
import { gatewayNow, isFresh, SILENT_FOR_MS, waited } from './freshness';
import { readTrace } from './read_trace';
import { addressOf, settingsOf } from './settings';
import { heightMm, mmPerPx, sizesOf } from './sizes';

const LEADS = ['I', 'II', 'III', 'aVR', 'aVL', 'aVF', 'V1', 'V2', 'V3', 'V4', 'V5', 'V6'];
const leads = (names: readonly string[], seconds = 10): LeadSamples[] =>
  names.map((name) => ({ name, samples: new Int32Array(seconds * 500), startUs: 0 }));

describe('sizes', () => {
  const screen = { inches: 65, distanceM: 5 };

  it('gives a digit 20 minutes of arc at the distance, on either resolution', () => {
    for (const widthPx of [1920, 3840]) {
      const cell = { widthPx: widthPx / 3, heightPx: (widthPx * 9) / 16 / 2 };
      const { mainPx, smallPx, penPx, readableM } = sizesOf(screen, widthPx, cell);
      const digitMm = mainPx * 0.733 * mmPerPx(screen, widthPx);
      expect((Math.atan(digitMm / 5000) * 180 * 60) / Math.PI).toBeCloseTo(20, 1);
      expect(heightMm(5, 16)).toBeCloseTo(smallPx * 0.733 * mmPerPx(screen, widthPx), 6);
      expect(penPx).toBeCloseTo((1.94 * widthPx) / 1920, 1);
      expect(readableM).toBe(5);
    }
  });

  it('says from how far it can be read when the cells are too small for that', () => {
    const { mainPx, readableM } = sizesOf(screen, 1920, { widthPx: 480, heightPx: 200 });
    expect(mainPx).toBe(30);
    expect(readableM).toBeLessThan(3);
  });

  it('knows how wide a 65 inch screen is', () => {
    expect(mmPerPx(screen, 1920) * 1920).toBeCloseTo(1439, 0);
  });
});

describe('settings', () => {
  it('keeps them in the address', () => {
    const settings = settingsOf('?grid=3x3&screen=86&distance=4');
    expect(settings).toEqual({ columns: 3, rows: 3, screen: { inches: 86, distanceM: 4 } });
    expect(settingsOf(new URL(addressOf(settings), 'http://x').search)).toEqual(settings);
  });

  it.each(['', '?grid=9x9&screen=x&distance=-1', '?screen=1&distance=99'])('takes the usual for %s', (search) => {
    expect(settingsOf(search)).toEqual({ columns: 3, rows: 2, screen: { inches: 65, distanceM: 5 } });
  });
});

describe('freshness', () => {
  const heard = { at_ms: 1000, gateway_ms: Date.parse('2026-03-02T08:00:00Z'), isAnswered: true };

  it('is lost when an answer fails or when there is silence', () => {
    expect(isFresh(heard, 1000 + SILENT_FOR_MS)).toBe(true);
    expect(isFresh(heard, 1001 + SILENT_FOR_MS)).toBe(false);
    expect(isFresh({ ...heard, isAnswered: false }, 1000)).toBe(false);
  });

  it('counts by the clock of the gateway', () => {
    expect(new Date(gatewayNow(heard, 6000)).toISOString()).toBe('2026-03-02T08:00:05.000Z');
  });

  it.each([[0, '0:00'], [65_000, '1:05'], [3_909_000, '1:05:09'], [-5000, '0:00'], [90_000_000, '25:00:00']])('says %i ms as %s', (ms, said) => {
    expect(waited('2026-03-02T08:00:00Z', heard.gateway_ms + ms)).toBe(said);
  });
});

describe('alarm', () => {
  it('rings for what is not muted, and again after the mute', () => {
    const mute = muteAll(['a', 'b'], 0);
    expect(ringing(['a', 'b'], null, 0)).toEqual(['a', 'b']);
    expect(ringing(['a', 'b'], mute, MUTE_MS - 1)).toEqual([]);
    expect(ringing(['a', 'c'], mute, 1)).toEqual(['c']);
    expect(ringing(['a'], mute, MUTE_MS)).toEqual(['a']);
  });

  it('tells a mute only while it silences something', () => {
    const mute = muteAll(['a'], 0);
    expect(muteInForce(['a'], mute, 1)).toBe(mute);
    expect(muteInForce([], mute, 1)).toBeNull();
    expect(muteInForce(['a'], mute, MUTE_MS)).toBeNull();
  });
});

describe('fit', () => {
  it.each([[612, 360, '6x2'], [612, 190, '3x4'], [1880, 900, '6x2']])('fills %i × %i with %s', (width, height, layout) => {
    const fit = fitSheet(leads(LEADS), 2000, width, height);
    expect(fit.layout).toBe(layout);
    expect(fit.sheet.widthMm * fit.pxPerMm).toBeLessThanOrEqual(width + 0.01);
    expect(fit.sheet.heightMm * fit.pxPerMm).toBeLessThanOrEqual(height + 0.01);
    expect(fit.sheet.segments).toHaveLength(12);
    expect(fit.sheet.paper).toEqual({ mmPerS: 25, mmPerMv: 10 });
    for (const { durationS } of fit.sheet.segments) expect(durationS).toBeGreaterThanOrEqual(2.5);
  });

  it('shows few leads, odd leads and short ones', () => {
    for (const record of [leads(['MLII', 'V5']), leads(['x'], 1), leads([...LEADS, 'V7', 'V8', 'V9', 'V3R', 'V4R', 'V5R'])]) {
      const fit = fitSheet(record, 2000, 612, 360);
      expect(fit.sheet.segments).toHaveLength(record.length);
      expect(fit.pxPerMm).toBeGreaterThan(0.5);
    }
  });
});

it('reads header and samples of a trace', () => {
  const header = new TextEncoder().encode(JSON.stringify({ interval_us: 2000, leads: [{ name: 'I', sample_count: 2, start_us: 0 }] }).padEnd(84));
  const bytes = new ArrayBuffer(4 + header.length + 8);
  const view = new DataView(bytes);
  view.setUint32(0, header.length, true);
  new Uint8Array(bytes).set(header, 4);
  view.setInt32(4 + header.length, -7, true);
  view.setInt32(8 + header.length, 9, true);
  const source = readTrace(bytes);
  expect(source.intervalUs).toBe(2000);
  expect(source.leads.map(({ name, samples }) => [name, ...samples])).toEqual([['I', -7, 9]]);
});
