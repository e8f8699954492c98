/**
 * Cornerstone3D, started once for the page, and what it must know of our images.
 */
import { cache, type Enums, imageLoader, init as initCore, metaData, RenderingEngine, setUseCPURendering, type Types } from '@cornerstonejs/core';
import { init as initLoader, wadors } from '@cornerstonejs/dicom-image-loader';
import { addTool, annotation, init as initTools, LengthTool, PanTool, ZoomTool } from '@cornerstonejs/tools';

import { type DicomJson, functionalGroup, numberOf, numbersOf } from './attributes';
import type { ImageRef } from './images';
import { frameUrl } from './pixel_loader';
import { type RenderPath, renderPathOf } from './render_path';
import { spacingOf } from './units';
import { WindowDragTool } from './window_drag_tool';

const CACHE_BYTES = 1 << 30;
const BIG_FRAME_BYTES = 2 << 20;
const HTJ2K = 'image/jphc; transfer-syntax=1.2.840.10008.1.2.4.201';
const AS_STORED = 'application/octet-stream; transfer-syntax=*';
const UNCOMPRESSED = new Set(['1.2.840.10008.1.2', '1.2.840.10008.1.2.1', '1.2.840.10008.1.2.2', '1.2.840.10008.1.2.1.99']);

/** The colours of `--annotation` and `--measuring`; Cornerstone draws in its own SVG layer and knows no tokens. */
const RULER_STYLE = {
  color: 'rgb(255, 225, 77)',
  colorHighlighted: 'rgb(77, 208, 225)',
  colorSelected: 'rgb(255, 225, 77)',
  textBoxColor: 'rgb(255, 225, 77)',
  textBoxColorHighlighted: 'rgb(77, 208, 225)',
  textBoxColorSelected: 'rgb(255, 225, 77)',
  textBoxFontSize: '14px',
};

type Metadata = Parameters<typeof wadors.metaDataManager.add>[1];

interface Known {
  json: DicomJson;
  frame: number;
  /** Where Cornerstone looks for the metadata of a frame of a multi-frame object: its first frame, without a version. */
  firstFrame: string;
  /** Stages that show it, and work with it that has not come to its end. */
  stages: number;
  works: number;
  request: XMLHttpRequest | null;
}

const known = new Map<string, Known>();
/** How many of the known images look for their metadata there. */
const firstFrames = new Map<string, number>();
let started: { engine: RenderingEngine; path: RenderPath } | null = null;

/** The engine of this page; started at the first call. */
export function theEngine(): { engine: RenderingEngine; path: RenderPath } {
  if (started !== null) return started;
  const path = renderPathOf(rendererName());
  initCore({ rendering: { useCPURendering: path !== 'gl', useGenericViewport: path === 'generic' } } as Types.Cornerstone3DConfig);
  if (path !== 'gl') setUseCPURendering(true);
  cache.setMaxCacheSize(CACHE_BYTES);
  initLoader({
    maxWebWorkers: Math.max(1, Math.min(4, Math.floor(navigator.hardwareConcurrency / 2))),
    beforeSend: (request: XMLHttpRequest, imageId: string) => {
      const found = known.get(imageId);
      if (found !== undefined) found.request = request;
      return Promise.resolve({ Accept: acceptOf(found?.json) });
    },
  });
  metaData.addProvider(imagePlane, 20_000);
  initTools();
  for (const tool of [WindowDragTool, LengthTool, PanTool, ZoomTool]) addTool(tool);
  const { style } = annotation.config;
  const styles = style.getDefaultToolStyles();
  style.setDefaultToolStyles({ ...styles, global: { ...styles.global, ...RULER_STYLE } });
  started = { engine: new RenderingEngine('reading'), path };
  return started;
}

/**
 * Makes an image known to Cornerstone for one stage and returns its id.
 *
 * The same image may be opened again while its last stage's download is still landing. Cornerstone asks for metadata until
 * the very end of a load and has no answer to their absence, so an image is forgotten only when no stage shows it and
 * nothing works with it any more.
 */
export function register(image: ImageRef, json: DicomJson): string {
  const id = `wadors:${location.origin}${frameUrl(image)}`;
  const firstFrame = `wadors:${location.origin}${image.path.replace(/\d+$/, '1')}`;
  if (!known.has(id)) firstFrames.set(firstFrame, (firstFrames.get(firstFrame) ?? 0) + 1);
  const { stages, works, request } = known.get(id) ?? { stages: 0, works: 0, request: null };
  known.set(id, { json, frame: image.frame - 1, firstFrame, stages: stages + 1, works, request });
  for (const address of [id, firstFrame]) wadors.metaDataManager.add(address, json as unknown as Metadata);
  return id;
}

/** Keeps an image known until the work with it has ended, whoever leaves meanwhile. */
export async function whileWorking(imageId: string, work: () => Promise<unknown>): Promise<void> {
  change(imageId, 'works', 1);
  try {
    await work();
  } finally {
    change(imageId, 'works', -1);
  }
}

/** Fetches and decodes an image into the cache. Several may ask for the same one; every failure comes back here. */
export async function load(imageId: string, requestType: Enums.RequestType, priority: number): Promise<void> {
  await whileWorking(imageId, () => {
    const onTheWay = cache.getImageLoadObject(imageId);
    if (onTheWay !== undefined) return onTheWay.promise;
    // Cornerstone's own loadAndCacheImage throws a failed load a second time, to nobody.
    return cache.putImageLoadObject(imageId, { promise: imageLoader.loadImage(imageId, { priority, requestType }) });
  });
}

/** A stage lets go of its images: pixels that nobody else shows are freed, downloads that nobody else awaits are ended. */
export function release(imageIds: readonly string[]): void {
  for (const id of imageIds) {
    change(id, 'stages', -1);
    const left = known.get(id);
    if (left?.stages === 0) left.request?.abort();
  }
}

function change(id: string, holders: 'stages' | 'works', by: number): void {
  const found = known.get(id);
  if (found === undefined) return;
  found[holders] += by;
  if (found.stages > 0 || found.works > 0) return;
  if (cache.getImageLoadObject(id) !== undefined) cache.removeImageLoadObject(id, { force: true });
  wadors.metaDataManager.remove(id);
  known.delete(id);
  const others = (firstFrames.get(found.firstFrame) ?? 1) - 1;
  if (others > 0) firstFrames.set(found.firstFrame, others);
  else {
    firstFrames.delete(found.firstFrame);
    wadors.metaDataManager.remove(found.firstFrame);
  }
}

function rendererName(): string | null {
  const canvas = document.createElement('canvas');
  const gl = canvas.getContext('webgl2');
  if (gl === null) return null;
  const info = gl.getExtension('WEBGL_debug_renderer_info');
  const name: unknown = gl.getParameter(info === null ? gl.RENDERER : info.UNMASKED_RENDERER_WEBGL);
  gl.getExtension('WEBGL_lose_context')?.loseContext();
  return String(name);
}

/** A big uncompressed film travels as an exact HTJ2K copy, half its size; everything else as it is stored. */
function acceptOf(json: DicomJson | undefined): string {
  if (json === undefined) return AS_STORED;
  const bytes = (numberOf(json, '00280010') ?? 0) * (numberOf(json, '00280011') ?? 0) * ((numberOf(json, '00280100') ?? 8) / 8);
  const isGrey = (numberOf(json, '00280002') ?? 1) === 1;
  const syntax = json['00083002']?.Value?.[0];
  const isWorthwhile = isGrey && bytes >= BIG_FRAME_BYTES && UNCOMPRESSED.has(String(syntax));
  return isWorthwhile ? `${HTJ2K}, ${AS_STORED};q=0.5` : AS_STORED;
}

/**
 * Cornerstone takes an image without a position in the patient as one without spacing. Here it lies in a plane of its
 * own; what its pixels are worth is decided in `units`, and the text of a length comes from there.
 */
function imagePlane(type: string, imageId: unknown): object | undefined {
  if (type !== 'imagePlaneModule' || typeof imageId !== 'string') return undefined;
  const found = known.get(imageId);
  if (found === undefined) return undefined;
  const { json, frame } = found;
  const hasPlane =
    numbersOf(functionalGroup(json, frame, '00209116') ?? json, '00200037').length === 6 &&
    numbersOf(functionalGroup(json, frame, '00209113') ?? json, '00200032').length === 3;
  if (hasPlane) return undefined;
  const spacing = spacingOf(json, frame);
  return {
    rows: numberOf(json, '00280010'),
    columns: numberOf(json, '00280011'),
    rowPixelSpacing: spacing.row_mm,
    columnPixelSpacing: spacing.column_mm,
    pixelSpacing: [spacing.row_mm, spacing.column_mm],
    rowCosines: [1, 0, 0],
    columnCosines: [0, 1, 0],
    imageOrientationPatient: [1, 0, 0, 0, 1, 0],
    imagePositionPatient: [0, 0, 0],
    usingDefaultValues: false,
    frameOfReferenceUID: imageId,
  };
}
