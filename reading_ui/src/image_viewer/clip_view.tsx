/**
 * Clips, mostly of ultrasound: JPEG frames go to the browser's own decoder and onto a plain canvas. On a weak PC that plays
 * 30 frames a second where a renderer for volumes manages seven. Other encodings are shown frame by frame as stills.
 */
import { useEffect, useRef, useState } from 'react';

import type { StudyView } from '../api/types';
import { useRoomWords } from '../words/language';
import { type DicomJson, numberOf } from './attributes';
import { type ImageRef, qualityOf, type Stack } from './images';
import type { KeyAction } from './keys';
import { Overlay } from './overlay';
import { clipFrame, previewUrl, seriesMetadata } from './pixel_loader';
import { useKeys } from './use_keys';
import * as words from './words';

interface ClipViewProps {
  study: StudyView;
  stack: Stack;
  onFreeze: (frame: number) => void;
}

const SPEEDS = [0.25, 0.5, 1, 1.5, 2];
const USUAL_FPS = 25;
const FETCHES_AT_ONCE = 4;

export function ClipView({ study, stack, onFreeze }: ClipViewProps) {
  const w = useRoomWords(words);
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const clip = useClip(study, stack.images, onFreeze, stack.series.series_instance_uid);
  const [isPlaying, setPlaying] = useState(true);
  const [speed, setSpeed] = useState(2);
  const [index, setIndex] = useState(0);
  const { frames, loaded, json } = clip;
  const isReady = frames[index] !== undefined;
  const fps = fpsOf(json) * (SPEEDS[speed] ?? 1);
  const quality = json === null ? null : qualityOf(json);

  useEffect(() => {
    if (!isPlaying || loaded < 2) return undefined;
    let handle = 0;
    let due = performance.now();
    const tick = (now: number): void => {
      handle = requestAnimationFrame(tick);
      if (now < due) return;
      const steps = Math.max(1, Math.floor((now - due) / (1000 / fps)) + 1);
      due = Math.max(due + (steps * 1000) / fps, now);
      setIndex((at) => (at + steps) % loaded);
    };
    handle = requestAnimationFrame(tick);
    return () => { cancelAnimationFrame(handle); };
  }, [isPlaying, loaded, fps]);

  useEffect(() => {
    const picture = frames[index];
    const context = canvas.current?.getContext('2d');
    if (picture === undefined || canvas.current === null || context == null) return;
    if (canvas.current.width !== picture.width) canvas.current.width = picture.width;
    if (canvas.current.height !== picture.height) canvas.current.height = picture.height;
    context.drawImage(picture, 0, 0);
  }, [frames, index, loaded]);

  const stop = (at: number): void => {
    setPlaying(false);
    setIndex(Math.max(0, Math.min(stack.images.length - 1, at)));
  };
  useKeys(frame, (action: KeyAction): boolean => {
    if (action.do === 'play') setPlaying(!isPlaying);
    else if (action.do === 'step') stop(index + action.by);
    else if (action.do === 'first') stop(0);
    else if (action.do === 'last') stop(stack.images.length - 1);
    else if (action.do === 'faster') setSpeed(Math.min(SPEEDS.length - 1, speed + 1));
    else if (action.do === 'slower') setSpeed(Math.max(0, speed - 1));
    else if (action.do === 'length') onFreeze(index);
    else return false;
    return true;
  });

  const first = stack.images[0];
  return (
    <div className="viewer-frame" ref={frame} data-viewer-frame="">
      <div className="image-tools" role="toolbar" aria-label={w.tools}>
        <button type="button" aria-pressed={isPlaying} onClick={() => { setPlaying(!isPlaying); }} data-testid="clip-play">{isPlaying ? w.pause : w.play}</button>
        <label className="clip-speed">
          {w.speed}
          <select value={speed} onChange={(event) => { setSpeed(Number(event.target.value)); }} data-testid="clip-speed">
            {SPEEDS.map((factor, at) => <option key={factor} value={at}>{factor}×</option>)}
          </select>
        </label>
        <input
          type="range" min={0} max={stack.images.length - 1} value={index} aria-label={w.image(index + 1, stack.images.length)}
          onChange={(event) => { stop(Number(event.target.value)); }}
        />
        <button type="button" onClick={() => { onFreeze(index); }} data-testid="clip-measure">{w.measureFrame}</button>
      </div>
      <div
        className="picture"
        data-testid="image-canvas"
        data-state={isReady ? 'lossless' : 'preview'}
        data-window=""
        data-image-index={index}
        data-loaded={loaded}
        data-playing={isPlaying}
        data-shown={stack.images[index]?.sopUid ?? ''}
        data-frame={stack.images[index]?.frame ?? 0}
      >
        <canvas ref={canvas} className="clip" aria-label={w.image(index + 1, stack.images.length)} />
        {!isReady && first !== undefined && (
          <>
            <img className="preview-layer" src={previewUrl(first)} alt="" draggable={false} />
            <p className="preview-label" data-testid="preview-label">{w.preview}</p>
          </>
        )}
        <Overlay
          study={study}
          seriesText={[stack.series.number ?? '', stack.series.description].join(' ')}
          index={index}
          count={stack.images.length}
          quality={
            <>
              <span className={`quality ${isReady ? 'lossy' : 'preview'}`} data-testid="quality">
                {isReady ? w.lossy(quality?.method ?? 'JPEG', quality?.ratio == null ? '' : quality.ratio.toFixed(0)) : w.preview}
              </span>
              {loaded < stack.images.length && <span data-testid="loading">{w.loading(loaded, stack.images.length)}</span>}
            </>
          }
          look={<span>{fps.toFixed(0)} fps</span>}
        />
      </div>
    </div>
  );
}

interface Clip {
  frames: readonly (ImageBitmap | undefined)[];
  loaded: number;
  json: DicomJson | null;
}

/** Fetches all frames in order and decodes them; closes the bitmaps on leaving. */
function useClip(study: StudyView, images: readonly ImageRef[], onFreeze: (frame: number) => void, seriesUid: string): Clip {
  const [clip, setClip] = useState<Clip>({ frames: [], loaded: 0, json: null });
  const leave = useRef(onFreeze);
  useEffect(() => { leave.current = onFreeze; });
  useEffect(() => {
    const ending = new AbortController();
    const frames: (ImageBitmap | undefined)[] = [];
    let next = 0;
    let loaded = 0;
    const work = async (): Promise<void> => {
      for (let at = next++; at < images.length && !ending.signal.aborted; at = next++) {
        const image = images[at];
        if (image === undefined) return;
        const blob = await clipFrame(image, ending.signal);
        if (blob === null) {
          leave.current(0); // not for the browser's decoder: shown as stills
          return;
        }
        const bitmap = await createImageBitmap(blob);
        if (ending.signal.aborted) bitmap.close();
        else frames[at] = bitmap;
        while (frames[loaded] !== undefined) loaded += 1;
        setClip((before) => ({ ...before, frames, loaded }));
      }
    };
    const ignore = (): void => { /* the preview stays, named as such */ };
    void seriesMetadata(study, seriesUid, ending.signal)
      .then((found) => { setClip((before) => ({ ...before, json: found.get(images[0]?.sopUid ?? '') ?? null })); })
      .catch(ignore);
    void Promise.all(Array.from({ length: FETCHES_AT_ONCE }, work)).catch(ignore);
    return () => {
      ending.abort();
      for (const bitmap of frames) bitmap?.close();
    };
  }, [study, images, seriesUid]);
  return clip;
}

/** Recommended Display Frame Rate, Cine Rate, or Frame Time, as far as the device says (PS3.3 C.7.6.5). */
function fpsOf(json: DicomJson | null): number {
  if (json === null) return USUAL_FPS;
  const time_ms = numberOf(json, '00181063');
  const stated = numberOf(json, '00082144') ?? numberOf(json, '00180040') ?? (time_ms !== null && time_ms > 0 ? 1000 / time_ms : null);
  return stated !== null && stated >= 1 && stated <= 120 ? stated : USUAL_FPS;
}
