import { afterEach, describe, expect, it, vi } from 'vitest';

import * as common from './common';
import { formatOf } from './format';

const SIGNED = '2026-03-01T16:05:09Z'; // 2 March, 00:05:09 in the county

function formatIn(zone: string | undefined) {
  return formatOf('zh', common.zh, zone);
}

describe('times on screen', () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllEnvs();
  });

  it.each(['UTC', 'America/Los_Angeles', 'Asia/Shanghai', 'Pacific/Auckland'])('stand in the gateway’s zone when the browser is in %s', (browser) => {
    vi.stubEnv('TZ', browser);
    expect(formatIn('Asia/Shanghai').dateTime(SIGNED)).toBe('2026/03/02 00:05:09');
    expect(formatIn('Asia/Shanghai').clockTime(SIGNED)).toBe('00:05');
    expect(formatIn('Asia/Urumqi').dateTime(SIGNED)).toBe('2026/03/01 22:05:09');
  });

  it('are today’s or yesterday’s by the gateway’s calendar', () => {
    vi.stubEnv('TZ', 'America/Los_Angeles');
    vi.useFakeTimers();
    const { when } = formatIn('Asia/Shanghai');
    vi.setSystemTime('2026-03-02T15:59:59Z');
    expect(when(SIGNED)).toBe('今天 00:05');
    vi.setSystemTime('2026-03-02T16:00:00Z');
    expect(when(SIGNED)).toBe('昨天 00:05');
    vi.setSystemTime('2026-03-03T16:00:00Z');
    expect(when(SIGNED)).toBe('03/02 00:05');
  });

  it('leave a birth date on its day', () => {
    for (const zone of ['America/Los_Angeles', 'Asia/Shanghai', 'Pacific/Auckland']) {
      vi.stubEnv('TZ', zone);
      expect(formatIn(zone).date('1950-03-02')).toBe('1950/03/02');
    }
  });

  it('are shown in the browser’s zone before anybody is logged in, and where it does not know the gateway’s', () => {
    vi.stubEnv('TZ', 'Asia/Tokyo');
    expect(formatIn(undefined).clockTime(SIGNED)).toBe('01:05');
    expect(formatIn('Nowhere/Atlantis').clockTime(SIGNED)).toBe('01:05');
  });

  it('say when there is none', () => {
    expect([null, undefined, 'soon'].map(formatIn('Asia/Shanghai').when)).toEqual(['–', '–', '–']);
  });
});
