/**
 * Which of Cornerstone's render paths a screen gets, from the name of its WebGL renderer.
 *
 * Measured on a weak PC: with software GL the generic viewport on the processor scrolls twice as fast as GL; without any
 * GL the generic viewport dies, while the classic one falls back by itself. Hence: hardware GL → classic, software GL →
 * generic on the processor, no GL → classic on the processor.
 */
export type RenderPath = 'gl' | 'generic' | 'cpu';

const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render|mesa offscreen/i;

export function renderPathOf(renderer: string | null): RenderPath {
  if (renderer === null) return 'cpu';
  return SOFTWARE.test(renderer) ? 'generic' : 'gl';
}
