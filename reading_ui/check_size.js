/**
 * Fails when a first visit would have to fetch more than we promise (gzip): shell 150 kB, image viewer 960 kB.
 *
 * A chunk's weight is its file with its CSS and everything that it imports statically; what the shell already
 * brought is not counted again for the viewers.
 */
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';

const DIST = new URL('dist/', import.meta.url);
const LIMITS = [
  { name: 'shell', source: 'index.html', limitKb: 150 },
  { name: 'image viewer', source: 'src/image_viewer/index.tsx', also: ['src/image_viewer/stage.ts'], limitKb: 960 },
  { name: 'ECG viewer', source: 'src/ecg_viewer/index.tsx', limitKb: 60 },
  { name: 'rules page', source: 'src/rules/index.tsx', limitKb: 60 },
  { name: 'rules editor', source: 'src/rules/code_editor.tsx', limitKb: 190 },
];

const manifest = JSON.parse(await readFile(new URL('manifest.json', DIST), 'utf8'));

const isViewer = (key) => /^src\/\w+_viewer\//.test(key);

function filesOf(key, seen = new Set()) {
  const chunk = manifest[key];
  if (chunk === undefined || seen.has(chunk.file)) return seen;
  seen.add(chunk.file);
  for (const css of chunk.css ?? []) seen.add(css);
  for (const next of chunk.imports ?? []) filesOf(next, seen);
  // A viewer may show its frame first and fetch its own engine behind it; codecs are fetched only when met.
  const own = (chunk.dynamicImports ?? []).filter((next) => isViewer(key) && isViewer(next));
  for (const next of own) filesOf(next, seen);
  return seen;
}

async function gzipKb(files) {
  let bytes = 0;
  for (const file of files) bytes += gzipSync(await readFile(new URL(file, DIST)), { level: 9 }).length;
  return bytes / 1000;
}

const shell = filesOf('index.html');
let isTooBig = false;
// The viewer paints its preview before it loads its heavy part; both count.
for (const { name, source, also = [], limitKb } of LIMITS) {
  if (manifest[source] === undefined) throw new Error(`The build has no chunk for ${source}.`);
  const seen = new Set();
  for (const key of [source, ...also]) filesOf(key, seen);
  const files = source === 'index.html' ? shell : [...seen].filter((file) => !shell.has(file));
  const kb = await gzipKb(files);
  isTooBig ||= kb > limitKb;
  process.stdout.write(`${name.padEnd(14)} ${kb.toFixed(1).padStart(7)} kB gz of ${limitKb}${kb > limitKb ? '  TOO BIG' : ''}\n`);
}
process.exitCode = isTooBig ? 1 : 0;
