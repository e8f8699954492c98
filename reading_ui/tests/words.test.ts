import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

import { describe, expect, it } from 'vitest';

const SRC = new URL('../src/', import.meta.url).pathname;
const HAN = /[\u3400-\u9fff\uf900-\ufaff]/u;

interface WordsFile {
  zh: Record<string, unknown>;
  en: Record<string, unknown>;
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).map((name) => join(SRC, name));
const wordsFiles = files.filter((name) => /\/words(?:_\w+)?\.ts$|\/words\/common\.ts$/u.test(name));

function shapeOf(value: unknown, path: string): string[] {
  if (typeof value === 'function') return [`${path}(${String(value.length)})`];
  if (Array.isArray(value)) return [`${path}[${String(value.length)}]`];
  if (typeof value !== 'object' || value === null) return [`${path}: ${typeof value}`];
  return Object.entries(value).flatMap(([key, inner]) => shapeOf(inner, `${path}.${key}`));
}

function silentIn(value: unknown, path: string): string[] {
  if (value === '') return [path];
  return typeof value === 'object' && value !== null ? Object.entries(value).flatMap(([key, inner]) => silentIn(inner, `${path}.${key}`)) : [];
}

describe.each(wordsFiles.map((name) => [relative(SRC, name), name]))('%s', (_, name) => {
  const load = async (): Promise<WordsFile> => (await import(/* @vite-ignore */ name)) as WordsFile;

  it('says everything in both languages, keys that tables look up included', async () => {
    const { zh, en } = await load();
    expect(shapeOf(en, '').sort()).toEqual(shapeOf(zh, '').sort());
  });

  it('leaves no word empty but those that mean silence', async () => {
    const { zh, en } = await load();
    expect(Object.keys(zh).length).toBeGreaterThan(0);
    expect(silentIn(en, '').sort()).toEqual(silentIn(zh, '').sort());
  });
});

it('finds the words of the rooms', () => {
  expect(wordsFiles.length).toBeGreaterThanOrEqual(8);
});

it('has no Chinese outside words files: neither text nor attribute', () => {
  const strays = files
    .filter((name) => /\.tsx?$/u.test(name) && !/\.test\.tsx?$/u.test(name) && !/words(?:_\w+)?\.ts$/u.test(name) && !name.includes('/words/'))
    .flatMap((name) =>
      readFileSync(name, 'utf8')
        .replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/gu, '')
        .split('\n')
        .filter((line) => HAN.test(line))
        .map((line) => `${relative(SRC, name)}: ${line.trim()}`),
    );
  expect(strays).toEqual([]);
});
