/**
 * Fetches the viewers' chunks while the list is on screen, without running them: opening a study then only parses.
 *
 * The page asks itself which files they are (the build's manifest), once, when the browser has nothing else to do.
 */
import { viewerFiles } from '../api/assets';

let isDone = false;

export function prefetchViewers(): () => void {
  if (isDone || !import.meta.env.PROD) return () => undefined;
  isDone = true;
  let hasStarted = false;
  const start = (): void => {
    hasStarted = true;
    void viewerFiles().then((files) => {
      for (const file of files) {
        const link = document.createElement('link');
        link.rel = 'modulepreload';
        link.href = `/${file}`;
        document.head.append(link);
      }
    });
  };
  const timer = setTimeout(start, 2000);
  return () => {
    clearTimeout(timer);
    if (!hasStarted) isDone = false;
  };
}
