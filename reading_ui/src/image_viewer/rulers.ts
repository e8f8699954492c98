/**
 * Lengths on the pictures of one stack. Cornerstone draws and drags them; what they are worth is decided in `units`.
 */
import { eventTarget, metaData, type Types } from '@cornerstonejs/core';
import { annotation as annotations, Enums, LengthTool, type Types as ToolTypes } from '@cornerstonejs/tools';

import type { DicomJson } from './attributes';
import type { ImageRef } from './images';
import type { Direction } from './orientation';
import type { SavedLength } from './pixel_loader';
import { type Length, lengthBetween, type PixelPoint } from './units';

export interface Measurement {
  id: string;
  /** Index of the image in its stack. */
  index: number;
  length: Length;
  saved: Omit<SavedLength, 'id'>;
}

interface Plane {
  imagePositionPatient: number[];
  rowCosines: number[];
  columnCosines: number[];
  rowPixelSpacing: number;
  columnPixelSpacing: number;
  frameOfReferenceUID?: string;
}

const { ANNOTATION_COMPLETED, ANNOTATION_MODIFIED, ANNOTATION_REMOVED } = Enums.Events;
const TARGET = 'imageId:';

export class Rulers {
  private readonly order: string[] = [];
  private isQuiet = false;

  constructor(
    private readonly element: HTMLDivElement,
    private readonly ids: readonly string[],
    private readonly images: readonly ImageRef[],
    private readonly metadata: ReadonlyMap<string, DicomJson>,
    private readonly onChange: (measurements: Measurement[], isByHand: boolean) => void,
  ) {
    eventTarget.addEventListener(ANNOTATION_COMPLETED, this.completed);
    eventTarget.addEventListener(ANNOTATION_MODIFIED, this.changed);
    eventTarget.addEventListener(ANNOTATION_REMOVED, this.changed);
  }

  /** The text beside a length, asked for by Cornerstone while it draws. */
  linesOf(data: unknown, target: string, textOf: (measurement: Omit<Measurement, 'id'>) => string): string[] {
    const points = (data as { handles?: { points?: Types.Point3[] } }).handles?.points;
    const measured = this.measure(target.startsWith(TARGET) ? target.slice(TARGET.length) : target, points);
    return measured === null ? [] : [textOf(measured)];
  }

  restore(saved: readonly SavedLength[]): void {
    this.isQuiet = true;
    for (const one of saved) {
      const index = this.images.findIndex((image) => image.sopUid === one.sop_instance_uid && image.frame === one.frame);
      const id = this.ids[index];
      if (id === undefined || this.order.includes(one.id)) continue;
      const [a, b] = one.points.map(([column, row]) => this.worldOf(id, { column, row }));
      if (a === undefined || b === undefined) continue;
      annotations.state.addAnnotation(this.annotationOf(one.id, id, [a, b]), this.element);
      this.order.push(one.id);
    }
    this.isQuiet = false;
    this.onChange(this.all(), false);
  }

  remove(id: string): void {
    const at = this.order.indexOf(id);
    if (at < 0) return;
    this.order.splice(at, 1);
    annotations.state.removeAnnotation(id);
    this.onChange(this.all(), true);
  }

  undo(): void {
    const last = this.order[this.order.length - 1];
    if (last !== undefined) this.remove(last);
  }

  close(): void {
    eventTarget.removeEventListener(ANNOTATION_COMPLETED, this.completed);
    eventTarget.removeEventListener(ANNOTATION_MODIFIED, this.changed);
    eventTarget.removeEventListener(ANNOTATION_REMOVED, this.changed);
    for (const found of this.own()) annotations.state.removeAnnotation(found.annotationUID ?? '');
  }

  /** A point of the patient's or the image's own space in image pixels. */
  pixelOf(imageId: string, world: Types.Point3 | undefined): Direction {
    const plane = planeOf(imageId);
    // Before its first image Cornerstone's processor path has no answer for a point, whatever its types say.
    if (plane === null || world === undefined) return { columns: 0, rows: 0 };
    const from = world.map((value, axis) => value - (plane.imagePositionPatient[axis] ?? 0));
    const along = (cosines: number[]): number => from.reduce((sum, value, axis) => sum + value * (cosines[axis] ?? 0), 0);
    return { columns: along(plane.rowCosines) / plane.columnPixelSpacing, rows: along(plane.columnCosines) / plane.rowPixelSpacing };
  }

  private worldOf(imageId: string, point: PixelPoint): Types.Point3 | undefined {
    const plane = planeOf(imageId);
    if (plane === null) return undefined;
    const at = (axis: number): number =>
      (plane.imagePositionPatient[axis] ?? 0) +
      (plane.rowCosines[axis] ?? 0) * plane.columnPixelSpacing * point.column +
      (plane.columnCosines[axis] ?? 0) * plane.rowPixelSpacing * point.row;
    return [at(0), at(1), at(2)];
  }

  private measure(imageId: string, points: readonly Types.Point3[] | undefined): Omit<Measurement, 'id'> | null {
    const index = this.ids.indexOf(imageId);
    const image = this.images[index];
    const [first, second] = points ?? [];
    if (image === undefined || first === undefined || second === undefined) return null;
    const [a, b] = [first, second].map((world): PixelPoint => {
      const { columns, rows } = this.pixelOf(imageId, world);
      return { column: columns, row: rows };
    });
    if (a === undefined || b === undefined) return null;
    return {
      index,
      length: lengthBetween(this.metadata.get(image.sopUid) ?? {}, image.frame - 1, a, b),
      saved: { kind: 'length', sop_instance_uid: image.sopUid, frame: image.frame, points: [[a.column, a.row], [b.column, b.row]] },
    };
  }

  private all(): Measurement[] {
    const found = new Map(this.own().map((one) => [one.annotationUID ?? '', one]));
    return this.order.flatMap((id) => {
      const one = found.get(id);
      const measured = one === undefined ? null : this.measure(one.metadata?.referencedImageId ?? '', one.data.handles?.points);
      return measured === null ? [] : [{ id, ...measured }];
    });
  }

  private own(): ToolTypes.Annotation[] {
    return annotations.state
      .getAllAnnotations()
      .filter((one) => one.metadata?.toolName === LengthTool.toolName && this.ids.includes(one.metadata?.referencedImageId ?? ''));
  }

  private annotationOf(uid: string, imageId: string, points: [Types.Point3, Types.Point3]): ToolTypes.Annotation {
    const plane = planeOf(imageId);
    const [ax = 1, ay = 0, az = 0] = plane?.rowCosines ?? [];
    const [bx = 0, by = 1, bz = 0] = plane?.columnCosines ?? [];
    return {
      annotationUID: uid,
      highlighted: false,
      invalidated: true,
      isLocked: false,
      isVisible: true,
      metadata: {
        toolName: LengthTool.toolName,
        referencedImageId: imageId,
        FrameOfReferenceUID: plane?.frameOfReferenceUID ?? imageId,
        viewPlaneNormal: [-(ay * bz - az * by), -(az * bx - ax * bz), -(ax * by - ay * bx)],
        viewUp: [-bx, -by, -bz],
      },
      data: {
        label: '',
        handles: {
          points,
          activeHandleIndex: null,
          textBox: {
            hasMoved: false,
            worldPosition: [0, 0, 0],
            worldBoundingBox: { topLeft: [0, 0, 0], topRight: [0, 0, 0], bottomLeft: [0, 0, 0], bottomRight: [0, 0, 0] },
          },
        },
        cachedStats: {},
      },
    };
  }

  private readonly completed = (event: Event): void => {
    const { annotation } = (event as CustomEvent<{ annotation: ToolTypes.Annotation }>).detail;
    const uid = annotation.annotationUID ?? '';
    const measured = this.ids.includes(annotation.metadata?.referencedImageId ?? '') ? annotation.data.handles?.points : undefined;
    if (measured === undefined) return;
    if (!this.order.includes(uid)) this.order.push(uid);
    this.onChange(this.all(), true);
  };

  private readonly changed = (event: Event): void => {
    if (this.isQuiet) return;
    const { annotation } = (event as CustomEvent<{ annotation: ToolTypes.Annotation }>).detail;
    if (!this.order.includes(annotation.annotationUID ?? '')) return;
    this.onChange(this.all(), true);
  };
}

function planeOf(imageId: string): Plane | null {
  const plane = metaData.get('imagePlaneModule', imageId) as Partial<Plane> | undefined;
  if (plane?.rowCosines == null || plane.columnCosines == null || plane.imagePositionPatient == null) return null;
  if (!plane.rowPixelSpacing || !plane.columnPixelSpacing) return null;
  return plane as Plane;
}
