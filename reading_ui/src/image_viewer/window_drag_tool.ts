/**
 * The drag that changes the window: a tool among Cornerstone's, so that it never fights with a measurement's handles.
 */
import { BaseTool, type Types } from '@cornerstonejs/tools';

type Drag = (dx_px: number, dy_px: number, isFine: boolean) => void;

const listeners = new Map<HTMLDivElement, Drag>();

/** Calls `drag` for drags on this element, until it is called with null. */
export function onWindowDrag(element: HTMLDivElement, drag: Drag | null): void {
  if (drag === null) listeners.delete(element);
  else listeners.set(element, drag);
}

export class WindowDragTool extends BaseTool {
  static override toolName = 'WindowDrag';

  constructor(toolProps = {}, defaultToolProps = { supportedInteractionTypes: ['Mouse', 'Touch'] }) {
    super(toolProps, defaultToolProps);
  }

  mouseDragCallback(event: Types.EventTypes.MouseDragEventType): void {
    const { element, deltaPoints, event: native } = event.detail;
    const [dx, dy] = deltaPoints.canvas;
    listeners.get(element)?.(dx, dy, native instanceof MouseEvent && native.shiftKey);
  }

  touchDragCallback(event: Types.EventTypes.TouchDragEventType): void {
    const { element, deltaPoints } = event.detail;
    const [dx, dy] = deltaPoints.canvas;
    listeners.get(element)?.(dx, dy, false);
  }
}
