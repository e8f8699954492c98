import { describe, expect, it } from 'vitest';

import { differences, type NumberRow, numberRows, roundedAs, stRows } from './number_rows';

const one = (values: { device?: number; gateway?: number; doctor?: number }) => {
  const { device = null, gateway = null, doctor = null } = values;
  const source = doctor !== null ? 'doctor' : device !== null ? 'device' : 'gateway';
  return { value: doctor ?? device ?? gateway ?? 0, source, device, gateway, doctor, by: null, at: null };
};
const rowOf = (rows: readonly NumberRow[], key: string) => rows.find((row) => row.key === key);

describe('numbers by source', () => {
  it("shows the cart's numbers alone until the analysis is there", () => {
    const [row] = numberRows({ pr_ms: 158 }, null);
    expect(row).toMatchObject({ key: 'pr_ms', counts: 'device', isDifferent: false, reason: null });
  });

  it('keeps every source beside the one that counts, and says where they differ', () => {
    const rows = numberRows({ pr_ms: 158 }, { measurements: { pr_ms: one({ device: 158, gateway: 149.6, doctor: 164 }), qt_ms: one({ device: 400, gateway: 400.3 }) }, not_measurable: {} });
    expect(rowOf(rows, 'pr_ms')).toMatchObject({ counts: 'doctor', isDifferent: true, values: { device: 158, gateway: 149.6, doctor: 164 } });
    expect(rowOf(rows, 'qt_ms')).toMatchObject({ counts: 'device', isDifferent: false });
  });

  it('has a row for what cannot be measured, with the reason, also where the cart has a number', () => {
    const rows = numberRows({ pr_ms: 158 }, { measurements: {}, not_measurable: { pr_ms: 'no-p-wave', p_ms: 'no-p-wave' } });
    expect(rowOf(rows, 'p_ms')).toMatchObject({ counts: null, reason: 'no-p-wave' });
    expect(rowOf(rows, 'pr_ms')).toMatchObject({ counts: 'device', reason: 'no-p-wave' });
  });

  it('stands in the order of a report, whatever the order of the file, with the cart\'s own last', () => {
    const rows = numberRows({ odd_index: 3, qt_ms: 400, heart_rate_bpm: 75 }, null);
    expect(rows.map((row) => row.key)).toEqual(['heart_rate_bpm', 'qt_ms', 'odd_index']);
  });

  it('rounds to whole units, millivolts to hundredths, and knows no minus nought', () => {
    expect([roundedAs('pr_ms', 157.6), roundedAs('rv5_mv', 1.236), roundedAs('qrs_axis_deg', -0.3)]).toEqual(['158', '1.24', '0']);
  });

  it('turns ST into millivolts', () => {
    expect(stRows({ V3: { j: 120_000, j60: -50_000 } })).toEqual([{ lead: 'V3', mv: [0.12, null, -0.05, null] }]);
  });
});

describe('differences between two ECGs', () => {
  const rows = (key: string, values: { device?: number; gateway?: number; doctor?: number }) => numberRows({}, { measurements: { [key]: one(values) }, not_measurable: {} });

  it('compares numbers of the same source where both have one', () => {
    const [found] = differences(rows('pr_ms', { device: 150, gateway: 160 }), rows('pr_ms', { gateway: 190 }));
    expect(found).toMatchObject({ earlier: 160, now: 190, grew: 30, earlierSource: 'gateway', nowSource: 'gateway', isMixed: false });
  });

  it('says so where sources differ', () => {
    const [found] = differences(rows('pr_ms', { device: 150 }), rows('pr_ms', { gateway: 190 }));
    expect(found).toMatchObject({ grew: 40, isMixed: true });
  });

  it('has no difference where one number is missing, but shows the other', () => {
    const [found] = differences([], rows('pr_ms', { gateway: 190 }));
    expect(found).toMatchObject({ earlier: null, now: 190, grew: null, isMixed: false });
  });

  it('goes the short way round between axes', () => {
    expect(differences(rows('qrs_axis_deg', { device: 170 }), rows('qrs_axis_deg', { device: -170 }))[0]?.grew).toBe(20);
    expect(differences(rows('qrs_axis_deg', { device: -170 }), rows('qrs_axis_deg', { device: 170 }))[0]?.grew).toBe(-20);
  });
});
