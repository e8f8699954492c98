/**
 * One stack of stills on screen: the small surface behind which Cornerstone works. A second renderer could stand here.
 */
import { cache, Enums, type Types } from '@cornerstonejs/core';
import { Enums as ToolEnums, LengthTool, PanTool, ToolGroupManager, ZoomTool } from '@cornerstonejs/tools';

import type { DicomJson } from './attributes';
import { textOf } from './attributes';
import { load, register, release, theEngine, whileWorking } from './engine';
import type { ImageRef } from './images';
import { type Direction, type Marks, marksOf, NO_MARKS } from './orientation';
import type { SavedLength } from './pixel_loader';
import { draggedWindow, storedWindow, type Window, windowBetween } from './presets';
import type { RenderPath } from './render_path';
import { Rulers, type Measurement } from './rulers';
import { onWindowDrag, WindowDragTool } from './window_drag_tool';

export type Tool = 'window' | 'length' | 'pan' | 'zoom';

/** What the screen says about the picture it shows. */
export interface View {
  index: number;
  /** True once the stored pixels of this very image are on screen. */
  isLossless: boolean;
  window: Window;
  isInverted: boolean;
  isFlipped: boolean;
  marks: Marks;
  /** Screen pixels for each image pixel, in per cent. */
  zoom_percent: number;
}

export interface StageEvents {
  onView: (view: View) => void;
  onProgress: (loaded: number, all: number) => void;
  onMeasurements: (measurements: Measurement[], isByHand: boolean) => void;
  onFailure: (index: number) => void;
  /** The text that stands beside a length on the picture. */
  textOf: (measurement: Omit<Measurement, 'id'>) => string;
}

const TOOLS: Record<Tool, string> = { window: WindowDragTool.toolName, length: LengthTool.toolName, pan: PanTool.toolName, zoom: ZoomTool.toolName };
const PREFETCH_AT_ONCE = 4;
const SAMPLES = 60_000;
const { MouseBindings, KeyboardBindings } = ToolEnums;
let stages = 0;

export class Stage {
  readonly path: RenderPath;
  private readonly name = `stage-${String(++stages)}`;
  private readonly ids: string[];
  private readonly viewport: Types.IStackViewport;
  private readonly rulers: Rulers;
  private readonly resizing: ResizeObserver;
  private readonly loaded = new Set<string>();
  private userWindow: Window | null = null;
  private isUserInverted = false;
  private wanted: number;
  /** The image that the renderer holds, and the one that it has drawn with its window. */
  private shown = -1;
  private drawn = -1;
  private lookOf = -1;
  private isBusy = false;
  private isGone = false;

  constructor(
    private readonly element: HTMLDivElement,
    private readonly images: readonly ImageRef[],
    private readonly metadata: ReadonlyMap<string, DicomJson>,
    index: number,
    private readonly events: StageEvents,
  ) {
    const { engine, path } = theEngine();
    this.path = path;
    this.wanted = index;
    this.ids = images.map((image) => register(image, this.jsonOf(image)));
    engine.enableElement({ viewportId: this.name, type: Enums.ViewportType.STACK, element, defaultOptions: { background: [0, 0, 0] } });
    // With the focus, Cornerstone's element would swallow every key, Tab included.
    element.removeAttribute('tabindex');
    this.viewport = engine.getViewport(this.name) as Types.IStackViewport;
    this.rulers = new Rulers(element, this.ids, images, metadata, events.onMeasurements);
    const group = ToolGroupManager.createToolGroup(this.name);
    for (const tool of Object.values(TOOLS)) {
      group?.addTool(tool, tool === TOOLS.length ? { getTextLines: (data: unknown, target: string) => this.rulers.linesOf(data, target, events.textOf) } : {});
    }
    group?.addViewport(this.name, engine.id);
    this.setTool('window');
    onWindowDrag(element, (dx, dy, isFine) => { this.setWindow(draggedWindow(this.window(), dx, dy, isFine)); });
    element.addEventListener(Enums.Events.STACK_NEW_IMAGE, this.arrived);
    element.addEventListener(Enums.Events.IMAGE_RENDERED, this.rendered);
    element.addEventListener('wheel', this.wheel, { passive: false });
    this.resizing = new ResizeObserver(() => {
      if (this.isGone || element.clientWidth < 2 || element.clientHeight < 2) return;
      engine.resize(true, true);
      // The engine looks at the size of the hidden GL canvas; the generic viewport's own one may differ from it.
      if (path === 'generic') (this.viewport as unknown as { resize?: () => void }).resize?.();
      this.applyLook(); // a canvas of another size is empty until it is drawn again
    });
    this.resizing.observe(element);
  }

  /** Shows the first image, then fetches the others, nearest first. */
  async start(): Promise<void> {
    this.isBusy = true;
    const first = this.wanted;
    try {
      // Fetched before it is set: only so does a failure come back here on every render path.
      await this.fetch(first, Enums.RequestType.Interaction);
      if (!this.closed()) await whileWorking(this.ids[first] ?? '', () => this.viewport.setStack(this.ids, first));
    } catch {
      this.fail(first);
    }
    this.isBusy = false;
    if (this.closed()) return;
    if (this.wanted !== first) void this.turn();
    await this.prefetch();
  }

  get index(): number {
    return this.wanted;
  }

  show(index: number): void {
    const next = Math.max(0, Math.min(this.ids.length - 1, index));
    if (next === this.wanted) return;
    this.wanted = next;
    this.tell();
    void this.turn();
  }

  window(): Window {
    return this.userWindow ?? this.defaultWindow();
  }

  setWindow(window: Window | null): void {
    this.userWindow = window;
    this.applyLook();
  }

  /** The stored window of the image on screen, or one from its values where it stores none. */
  defaultWindow(): Window {
    const image = this.images[Math.max(0, this.shown)];
    if (image === undefined) return { center: 128, width: 256 };
    const json = this.jsonOf(image);
    if (textOf(json, '00280004').startsWith('MONO')) return storedWindow(json, image.frame - 1) ?? this.range(0.005);
    return { center: 128, width: 256 };
  }

  /** The window over the values of the image on screen, leaving out a share at each end. */
  range(leftOut = 0): Window {
    const image = cache.getImage(this.ids[Math.max(0, this.shown)] ?? '');
    if (image === undefined) return { center: 128, width: 256 };
    const values = image.voxelManager?.getScalarData() ?? image.getPixelData();
    const step = Math.max(1, Math.floor(values.length / SAMPLES));
    const sample = new Float64Array(Math.ceil(values.length / step));
    for (let at = 0; at < sample.length; at += 1) sample[at] = Number(values[at * step]);
    sample.sort();
    const isScaled = image.preScale?.scaled === true;
    const modality = (stored: number): number => (isScaled ? stored : stored * (image.slope || 1) + (image.intercept || 0));
    const low = sample[Math.floor(leftOut * (sample.length - 1))] ?? 0;
    const high = sample[Math.ceil((1 - leftOut) * (sample.length - 1))] ?? 1;
    return windowBetween(modality(low), modality(high));
  }

  invert(): void {
    this.isUserInverted = !this.isUserInverted;
    this.applyLook();
  }

  /** False where this render path cannot show the picture so; nothing is changed then. */
  rotate(by_degrees: number): boolean {
    const { rotation = 0, flipHorizontal = false, flipVertical = false } = this.viewport.getViewPresentation();
    const next = (((Math.round(rotation) + by_degrees) % 360) + 360) % 360;
    if (!this.canShow(next, flipHorizontal !== flipVertical)) return false;
    this.present({ rotation: next });
    return true;
  }

  flip(axis: 'horizontal' | 'vertical'): boolean {
    const { rotation = 0, flipHorizontal = false, flipVertical = false } = this.viewport.getViewPresentation();
    if (!this.canShow(Math.round(rotation), flipHorizontal === flipVertical)) return false;
    this.present(axis === 'horizontal' ? { flipHorizontal: !flipHorizontal } : { flipVertical: !flipVertical });
    return true;
  }

  zoom(by: number): void {
    this.viewport.setZoom(this.viewport.getZoom() * by);
    this.viewport.render();
  }

  fit(): void {
    this.viewport.resetCamera({ resetPan: true, resetZoom: true, resetToCenter: true });
    this.viewport.render();
  }

  /** One image pixel on one pixel of the screen. */
  actual(): void {
    this.zoom(1 / (this.pixelSize() * window.devicePixelRatio));
  }

  reset(): void {
    this.userWindow = null;
    this.isUserInverted = false;
    this.present({ rotation: 0 });
    this.present({ flipHorizontal: false });
    this.present({ flipVertical: false });
    this.applyLook();
    this.fit();
  }

  setTool(tool: Tool): void {
    const group = ToolGroupManager.getToolGroup(this.name);
    const left = [{ mouseButton: MouseBindings.Primary }, { mouseButton: MouseBindings.Primary, modifierKey: KeyboardBindings.Shift }];
    const always: Record<Tool, { mouseButton: number; modifierKey?: number }[]> = {
      window: [],
      length: [],
      pan: [{ mouseButton: MouseBindings.Auxiliary }, { mouseButton: MouseBindings.Secondary, modifierKey: KeyboardBindings.Shift }],
      zoom: [{ mouseButton: MouseBindings.Secondary }],
    };
    for (const name of Object.values(TOOLS)) group?.setToolPassive(name, { removeAllBindings: true });
    for (const one of ['window', 'length', 'pan', 'zoom'] as const) {
      const bindings = one === tool ? [...left, ...always[one]] : always[one];
      if (bindings.length > 0) group?.setToolActive(TOOLS[one], { bindings });
    }
  }

  restore(saved: readonly SavedLength[]): void {
    this.rulers.restore(saved);
    this.viewport.render();
  }

  removeMeasurement(id: string): void {
    this.rulers.remove(id);
    this.viewport.render();
  }

  undoMeasurement(): void {
    this.rulers.undo();
    this.viewport.render();
  }

  /** Leaves nothing behind: no pixels, no viewport, no listeners. */
  close(): void {
    this.isGone = true;
    this.resizing.disconnect();
    onWindowDrag(this.element, null);
    this.element.removeEventListener(Enums.Events.STACK_NEW_IMAGE, this.arrived);
    this.element.removeEventListener(Enums.Events.IMAGE_RENDERED, this.rendered);
    this.element.removeEventListener('wheel', this.wheel);
    this.rulers.close();
    ToolGroupManager.destroyToolGroup(this.name);
    theEngine().engine.disableElement(this.name);
    release(this.ids);
  }

  private jsonOf(image: ImageRef): DicomJson {
    return this.metadata.get(image.sopUid) ?? {};
  }

  /** Goes to the wanted image; while one is being fetched, only the last wish counts. */
  private async turn(): Promise<void> {
    if (this.isBusy) return;
    this.isBusy = true;
    for (let index = this.wanted, last = -1; !this.closed() && index !== last; index = this.wanted) {
      last = index;
      try {
        await this.fetch(index, Enums.RequestType.Interaction);
        if (!this.closed()) await whileWorking(this.ids[index] ?? '', () => this.viewport.setImageIdIndex(index));
      } catch {
        this.fail(index);
      }
    }
    this.isBusy = false;
  }

  private async fetch(index: number, requestType: Enums.RequestType): Promise<void> {
    const id = this.ids[index] ?? '';
    if (this.loaded.has(id) && cache.getImageLoadObject(id) !== undefined) return;
    await load(id, requestType, requestType === Enums.RequestType.Prefetch ? 0 : 5);
    this.noteLoaded(id);
  }

  private closed(): boolean {
    return this.isGone;
  }

  private readonly arrived = (event: Event): void => {
    const { imageId } = (event as CustomEvent<{ imageId: string }>).detail;
    this.shown = this.ids.indexOf(imageId);
    queueMicrotask(() => { this.applyLook(); });
  };

  private readonly rendered = (): void => {
    if (this.lookOf === this.shown) this.drawn = this.shown;
    this.tell();
  };

  private fail(index: number): void {
    if (!this.isGone) this.events.onFailure(index);
  }

  private applyLook(): void {
    if (this.isGone || this.shown < 0) return;
    this.lookOf = this.shown;
    const { center, width } = this.window();
    const image = this.images[Math.max(0, this.shown)];
    const isWhiteLow = image !== undefined && textOf(this.jsonOf(image), '00280004') === 'MONOCHROME1';
    // PS3.3 C.11.2.1.2.1: linear from centre − width/2 to centre + width/2 − 1.
    this.viewport.setProperties({
      voiRange: { lower: center - width / 2, upper: center + width / 2 - 1 },
      invert: isWhiteLow !== this.isUserInverted,
    });
    this.viewport.render();
    this.tell();
  }

  private present(change: { rotation?: number; flipHorizontal?: boolean; flipVertical?: boolean }): void {
    // Without GL the classic viewport mirrors by its camera alone.
    if (this.path === 'cpu' && change.rotation === undefined) this.viewport.setCamera(change);
    else this.viewport.setViewPresentation(change);
    this.viewport.render();
  }

  /**
   * On the processor Cornerstone 5.14 draws a mirrored quarter turn one way and computes with it another way: sides and
   * measurements would be wrong. Seen by reading pixels back; so there such a picture is refused.
   */
  private canShow(rotation: number, isMirrored: boolean): boolean {
    return this.path === 'gl' || !isMirrored || rotation % 180 === 0;
  }

  /** CSS pixels of the screen for one image pixel. */
  private pixelSize(): number {
    const { right } = this.directions();
    const size = Math.hypot(right.columns, right.rows);
    return size > 0 ? 1 / size : 1;
  }

  /** How the screen's axes run through the image, in image pixels for each CSS pixel. */
  private directions(): { right: Direction; down: Direction } {
    const middle: Types.Point2 = [this.element.clientWidth / 2, this.element.clientHeight / 2];
    const at = (x: number, y: number): Direction => this.rulers.pixelOf(this.ids[Math.max(0, this.shown)] ?? '', this.viewport.canvasToWorld([x, y]));
    const here = at(...middle);
    const right = at(middle[0] + 10, middle[1]);
    const down = at(middle[0], middle[1] + 10);
    const step = (to: Direction): Direction => ({ columns: (to.columns - here.columns) / 10, rows: (to.rows - here.rows) / 10 });
    return { right: step(right), down: step(down) };
  }

  private readonly tell = (): void => {
    if (this.isGone) return;
    const image = this.images[this.wanted];
    if (image === undefined) return;
    const isShown = this.drawn === this.wanted;
    const { right, down } = this.shown >= 0 ? this.directions() : { right: { columns: 1, rows: 0 }, down: { columns: 0, rows: 1 } };
    const { flipHorizontal, flipVertical } = this.viewport.getViewPresentation();
    this.events.onView({
      index: this.wanted,
      isLossless: isShown,
      window: this.window(),
      isInverted: this.isUserInverted,
      isFlipped: (flipHorizontal === true) !== (flipVertical === true),
      marks: isShown ? marksOf(this.jsonOf(image), image.frame - 1, right, down) : NO_MARKS,
      zoom_percent: this.pixelSize() * window.devicePixelRatio * 100,
    });
  };

  private readonly wheel = (event: WheelEvent): void => {
    event.preventDefault();
    if (this.ids.length > 1 && event.deltaY !== 0) this.show(this.wanted + Math.sign(event.deltaY));
  };

  private async prefetch(): Promise<void> {
    const start = this.wanted;
    const order = this.ids.map((_, index) => index).sort((a, b) => Math.abs(a - start) - Math.abs(b - start));
    const work = async (): Promise<void> => {
      for (let index = order.shift(); index !== undefined && !this.isGone; index = order.shift()) {
        try {
          await this.fetch(index, Enums.RequestType.Prefetch);
        } catch {
          continue; // shown as failed when the reader gets there
        }
      }
    };
    await Promise.all(Array.from({ length: PREFETCH_AT_ONCE }, work));
  }

  private noteLoaded(id: string): void {
    if (this.isGone || this.loaded.has(id)) return;
    this.loaded.add(id);
    this.events.onProgress(this.loaded.size, this.ids.length);
  }
}
