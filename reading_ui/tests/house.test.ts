import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

import { expect, it } from 'vitest';

const SRC = new URL('../src/', import.meta.url).pathname;
const SOURCES = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/u.test(name) && !/\.test\.tsx?$/u.test(name))
  .map((name) => ({ name: relative(SRC, join(SRC, name)), text: readFileSync(join(SRC, name), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/gu, '') }));

/** The one other place that may fetch: pixels go from the network straight into the viewer's cache. */
const PIXEL_LOADER = /^image_viewer\/(?:\w+_)?loader\.ts$/u;

it('speaks to the server from src/api alone, the pixel loader excepted by name', () => {
  const strays = SOURCES.filter(
    ({ name, text }) => !name.startsWith('api/') && !PIXEL_LOADER.test(name) && /(?<!\.|async )\bfetch\(|\bnew (?:EventSource|XMLHttpRequest|WebSocket)\b/u.test(text),
  );
  expect(strays.map(({ name }) => name)).toEqual([]);
});

it('keeps Cornerstone inside the image viewer, and both viewers out of the shell; the wall, which loads later, paints with the viewer of ECGs', () => {
  const cornerstone = SOURCES.filter(({ name, text }) => !name.startsWith('image_viewer/') && text.includes('@cornerstonejs/'));
  expect(cornerstone.map(({ name }) => name)).toEqual([]);
  const eager = SOURCES.filter(
    ({ name, text }) => !/^(?:wall|(?:image|ecg)_viewer)\//u.test(name) && /^import (?!type).*from '\.\.\/(?:image|ecg)_viewer/mu.test(text),
  );
  expect(eager.map(({ name }) => name)).toEqual([]);
});

it('keeps the editor of texts inside the rules page, and lets it load by itself', () => {
  const users = SOURCES.filter(({ text }) => /from '@(?:codemirror|lezer)\//u.test(text)).map(({ name }) => name);
  expect(users).toEqual(['rules/code_editor.tsx']);
  expect(SOURCES.filter(({ text }) => /^import (?!type).*from '.*\/code_editor'/mu.test(text)).map(({ name }) => name)).toEqual([]);
});

it('keeps the models pure: no screen, no network, no clock', () => {
  const impure = SOURCES.filter(({ name, text }) => name.startsWith('model/') && /\bfrom 'react|document\.|window\.|Date\.now\(|\bnew Date\(\)|localStorage/u.test(text));
  expect(impure.map(({ name }) => name)).toEqual([]);
});

it('imports pages from nowhere below them', () => {
  const pages = /from '\.\.\/(?:worklist|reading|clinic|admin|login)(?:'|\/(?!words))/u;
  const uphill = SOURCES.filter(({ name, text }) => /^(?:api|model|parts|words|report)\//u.test(name) && name !== 'words/index.ts' && pages.test(text));
  expect(uphill.map(({ name }) => name)).toEqual([]);
});
