/** How large the paper may be so that all of it is in sight, of true size and never beyond it. */
import { type RefObject, useLayoutEffect, useState } from 'react';

import type { Sheet } from './geometry';

const EDGES_PX = 10; // padding of the desk and a pixel of rounding
const SMALLEST = 0.3;

/** Null until the desk has been measured. */
export function useFit(desk: RefObject<HTMLElement | null>, sheet: Pick<Sheet, 'widthMm' | 'heightMm'>, pxPerMm: number): number | null {
  const [size, setSize] = useState<{ width: number; height: number } | null>(null);
  useLayoutEffect(() => {
    const element = desk.current;
    if (element === null) return;
    const look = () => {
      // Outer measures: scroll bars come and go with the paper's size and must not change it.
      const { offsetWidth: width, offsetHeight: height } = element;
      if (width === 0) return; // out of sight behind another tool: it keeps its size
      setSize((old) => (old?.width === width && old.height === height ? old : { width, height }));
    };
    look();
    const watch = new ResizeObserver(look);
    watch.observe(element);
    return () => { watch.disconnect(); };
  }, [desk]);
  return size === null ? null : fitScale(size, sheet, pxPerMm);
}

export function fitScale(desk: { width: number; height: number }, sheet: Pick<Sheet, 'widthMm' | 'heightMm'>, pxPerMm: number): number {
  const across = (desk.width - EDGES_PX) / (sheet.widthMm * pxPerMm);
  const down = (desk.height - EDGES_PX) / (sheet.heightMm * pxPerMm);
  return Math.max(SMALLEST, Math.min(1, across, down));
}
