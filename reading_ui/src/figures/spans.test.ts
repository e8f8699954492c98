import { expect, test } from 'vitest';

import { breachRate, placeOf, rateText, SCALE_S, spanText } from './spans';

const words = { seconds: (n: number) => `${String(n)} s`, minutes: (n: number) => `${String(n)} min`, hours: (n: string) => `${n} h` };

test('a time is told in the unit that a person would use', () => {
  expect([0, 89, 90, 3600, 5399, 5400, 86_400].map((seconds) => spanText(seconds, words))).toEqual(['0 s', '89 s', '2 min', '60 min', '90 min', '1.5 h', '24 h']);
});

test('what is not known is a dash and never a nought', () => {
  expect([spanText(null, words), spanText(undefined, words), rateText(null), rateText(0)]).toEqual(['–', '–', '–', '0.0 %']);
  expect(breachRate(undefined)).toBeNull();
  expect(breachRate({ count: 0, counted: 0, breaches: 0, median_s: null, p90_s: null })).toBeNull();
  expect(breachRate({ count: 1, counted: 4, breaches: 1, median_s: 1, p90_s: 1 })).toBe(0.25);
});

test('the scale grows and stays inside its picture', () => {
  const places = SCALE_S.map(placeOf);
  expect(places).toEqual([...places].sort((a, b) => a - b));
  expect([placeOf(0), placeOf(1e9)]).toEqual([0, 1]);
});
