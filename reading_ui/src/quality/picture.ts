/**
 * The picture that a viewer shows right now, as pixels of our own: what its canvases hold, and on an ECG the names of the
 * leads. Nothing that names the patient is taken along; whose picture it is, the page says beside it.
 */
const WIDEST_DOTS = 1400;
const LONGEST_ADDRESS = 1_800_000;
const IDENTITY = '[data-testid="ecg-identity"], [data-testid="ecg-recording"], [data-testid="ecg-footer"], [data-testid="ecg-notes"]';

export interface Taken {
  canvas: HTMLCanvasElement;
  /** SOP Instance UID of an image, id of the instance of an ECG; "" where the viewer does not say. */
  shown: string;
  /** 1 is the first; 0: the object has one frame only. */
  frame: number;
}

/** Takes the picture of the viewer of this study; null while none is on screen. */
export function takePicture(studyId: string): Taken | null {
  const viewer = document.querySelector(`[data-viewer-of="${CSS.escape(studyId)}"]`);
  const region = viewer?.querySelector('.picture, .ecg-desk') ?? null;
  if (viewer == null || region === null) return null;
  const box = region.getBoundingClientRect();
  if (box.width < 8 || box.height < 8) return null;
  const scale = Math.min(window.devicePixelRatio || 1, WIDEST_DOTS / Math.max(box.width, box.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(box.width * scale);
  canvas.height = Math.round(box.height * scale);
  const context = canvas.getContext('2d');
  if (context === null) return null;
  context.fillStyle = 'black';
  context.fillRect(0, 0, canvas.width, canvas.height);
  for (const layer of region.querySelectorAll<HTMLCanvasElement | HTMLImageElement>('canvas, img.preview-layer')) {
    const at = layer.getBoundingClientRect();
    if (at.width > 0 && at.height > 0 && isPainted(layer)) draw(context, layer, at, box, scale);
  }
  for (const text of region.querySelectorAll<SVGTextElement>('.ecg-sheet svg text')) {
    if (!text.matches(IDENTITY)) write(context, text, box, scale);
  }
  const says = viewer.querySelector<HTMLElement>('[data-shown]')?.dataset;
  return { canvas, shown: says?.shown ?? '', frame: Number(says?.frame ?? 0) };
}

/** The picture as an address, made smaller until the server takes it. */
export function addressOf(canvas: HTMLCanvasElement): string {
  let from = canvas;
  for (;;) {
    const address = from.toDataURL('image/png');
    if (address.length <= LONGEST_ADDRESS || from.width < 200) return address;
    const smaller = document.createElement('canvas');
    smaller.width = Math.round(from.width * 0.8);
    smaller.height = Math.round(from.height * 0.8);
    smaller.getContext('2d')?.drawImage(from, 0, 0, smaller.width, smaller.height);
    from = smaller;
  }
}

function isPainted(layer: HTMLCanvasElement | HTMLImageElement): boolean {
  return layer instanceof HTMLImageElement ? layer.complete && layer.naturalWidth > 0 : layer.width > 0 && layer.height > 0;
}

/** An image that is fitted into its box (object-fit: contain) keeps its shape here too. */
function draw(context: CanvasRenderingContext2D, layer: HTMLCanvasElement | HTMLImageElement, at: DOMRect, box: DOMRect, scale: number): void {
  const [width, height] = layer instanceof HTMLImageElement ? [layer.naturalWidth, layer.naturalHeight] : [layer.width, layer.height];
  const isFitted = getComputedStyle(layer).objectFit === 'contain';
  const fit = Math.min(at.width / width, at.height / height);
  const [wide, high] = isFitted ? [width * fit, height * fit] : [at.width, at.height];
  const left = at.left + (at.width - wide) / 2 - box.left;
  const top = at.top + (at.height - high) / 2 - box.top;
  context.drawImage(layer, left * scale, top * scale, wide * scale, high * scale);
}

function write(context: CanvasRenderingContext2D, text: SVGTextElement, box: DOMRect, scale: number): void {
  const at = text.getBoundingClientRect();
  const style = getComputedStyle(text);
  context.font = `${style.fontWeight} ${String(at.height * 0.75 * scale)}px ${style.fontFamily}`;
  context.textBaseline = 'middle';
  context.fillStyle = style.fill;
  context.fillText(text.textContent, (at.left - box.left) * scale, (at.top + at.height / 2 - box.top) * scale, at.width * scale);
}
