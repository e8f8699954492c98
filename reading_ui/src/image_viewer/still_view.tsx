/**
 * A stack of stills: the preview first and named as such, the stored pixels as soon as they are in.
 */
import { useCallback, useEffect, useRef, useState } from 'react';

import type { StudyView } from '../api/types';
import { useRoomWords } from '../words/language';
import type { DicomJson } from './attributes';
import { firstIndex, type ImageRef, inScanOrder, qualityOf, type Stack } from './images';
import type { KeyAction } from './keys';
import { lengthText, MeasurementList } from './measurement_list';
import { Overlay } from './overlay';
import { fileUrl, loadAnnotations, previewUrl, saveAnnotations, type SavedLength, seriesMetadata } from './pixel_loader';
import { type Preset, presetsFor, windowOf, windowText } from './presets';
import type { Measurement } from './rulers';
import type { Stage, Tool, View } from './stage';
import { type Command, Toolbar } from './toolbar';
import { useKeys } from './use_keys';
import * as words from './words';

interface StillViewProps {
  study: StudyView;
  stack: Stack;
  startIndex?: number;
  onMeasurement?: (text: string) => void;
  onBack?: () => void;
}

const SAVE_AFTER_MS = 600;

export function StillView({ study, stack, startIndex, onMeasurement, onBack }: StillViewProps) {
  const w = useRoomWords(words);
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLDivElement>(null);
  const stage = useRef<Stage | null>(null);
  const [images, setImages] = useState<readonly ImageRef[]>(stack.images);
  const [metadata, setMetadata] = useState<ReadonlyMap<string, DicomJson>>(new Map());
  const [view, setView] = useState<View | null>(null);
  const [startAt] = useState(startIndex ?? firstIndex(stack.images.length));
  /** What is being looked at, so that an object that comes late turns no page. */
  const lookedAt = useRef<ImageRef | undefined>(stack.images[startAt]);
  const [progress, setProgress] = useState(0);
  const [measurements, setMeasurements] = useState<readonly Measurement[]>([]);
  const [failedAt, setFailedAt] = useState<number | null>(null);
  const [attempt, setAttempt] = useState(0);
  const [isUnsaved, setUnsaved] = useState(false);
  const [tool, setTool] = useState<Tool>('window');
  const [isHelpOpen, setHelpOpen] = useState(false);
  const [isRefused, setRefused] = useState(false);
  const lengthWords = useRef(w);
  useEffect(() => { lengthWords.current = w; }, [w]);
  const save = useSaving(study.id, stack, setUnsaved);

  useEffect(() => {
    const element = canvas.current;
    if (element === null) return undefined;
    const ending = new AbortController();
    let opened: Stage | null = null;
    const open = async (): Promise<void> => {
      const [{ Stage: StageClass }, found, saved] = await Promise.all([
        import('./stage'),
        seriesMetadata(study, stack.series.series_instance_uid, ending.signal),
        loadAnnotations(study.id, ending.signal).catch(() => null),
      ]);
      if (ending.signal.aborted) return;
      const ordered = inScanOrder(stack.images, found);
      const { sopUid, frame: number } = lookedAt.current ?? {};
      const start = Math.max(0, ordered.findIndex((image) => image.sopUid === sopUid && image.frame === number));
      setImages(ordered);
      setMetadata(found);
      setView((old) => old && { ...old, index: start });
      opened = new StageClass(element, ordered, found, start, {
        onView: (now) => {
          lookedAt.current = ordered[now.index];
          setView(now);
        },
        onProgress: setProgress,
        onFailure: setFailedAt,
        onMeasurements: (all, isByHand) => {
          setMeasurements(all);
          if (isByHand) save(all);
        },
        textOf: (measurement) => lengthText(lengthWords.current, measurement),
      });
      stage.current = opened;
      const shownFrom = opened;
      const starting = shownFrom.start();
      if (saved !== null) save.keepOthers(saved);
      if (saved !== null && saved.length > 0) shownFrom.restore(saved);
      await starting;
    };
    open().catch((problem: unknown) => {
      if (!ending.signal.aborted && !(problem instanceof DOMException && problem.name === 'AbortError')) setFailedAt(startAt);
    });
    return () => {
      ending.abort();
      opened?.close();
      stage.current = null;
      setView((old) => old && { ...old, isLossless: false });
    };
  }, [study, stack, startAt, attempt, save]);

  const index = view?.index ?? startAt;
  const image = images[index];
  const isFailed = failedAt === index;
  const isLossless = view?.isLossless === true && !isFailed;
  const json = image === undefined ? undefined : metadata.get(image.sopUid);
  const presets = presetsFor(stack.series.modality);

  const choose = useCallback((next: Tool) => {
    stage.current?.setTool(next);
    setTool(next);
  }, []);
  const applyPreset = (preset: Preset): void => {
    const on = stage.current;
    if (on !== null) on.setWindow(windowOf(preset, on.defaultWindow(), on.range()));
  };
  const command = (name: Command): void => {
    const on = stage.current;
    const act: Record<Command, () => unknown> = {
      invert: () => on?.invert(), rotate: () => on?.rotate(90), unrotate: () => on?.rotate(-90), flipHorizontal: () => on?.flip('horizontal'), flipVertical: () => on?.flip('vertical'), fit: () => on?.fit(), actual: () => on?.actual(), reset: () => on?.reset(), undo: () => on?.undoMeasurement(),
    };
    setRefused(act[name]() === false);
  };
  useKeys(frame, (action: KeyAction): boolean => {
    const on = stage.current;
    switch (action.do) {
      case 'preset': {
        const preset = presets.find((one) => one.key === action.key);
        if (preset === undefined) return false;
        applyPreset(preset);
        return true;
      }
      case 'step':
        on?.show(on.index + action.by);
        return images.length > 1;
      case 'first':
        on?.show(0);
        return images.length > 1;
      case 'last':
        on?.show(images.length - 1);
        return images.length > 1;
      case 'window': case 'length': case 'pan': case 'zoom':
        choose(action.do);
        return true;
      case 'zoomIn': case 'zoomOut':
        on?.zoom(action.do === 'zoomIn' ? 1.25 : 0.8);
        return true;
      case 'help':
        setHelpOpen((isOpen) => !isOpen);
        return true;
      case 'play': case 'faster': case 'slower':
        return false;
      default:
        command(action.do);
        return true;
    }
  });

  return (
    <div className="viewer-frame" ref={frame} data-viewer-frame="">
      <Toolbar
        tool={tool}
        presets={presets}
        onTool={choose}
        onPreset={applyPreset}
        onCommand={command}
        isHelpOpen={isHelpOpen}
        onHelp={setHelpOpen}
        {...(onBack === undefined ? {} : { onBack })}
      />
      <div
        className="picture"
        data-testid="image-canvas"
        data-state={isFailed ? 'failed' : isLossless ? 'lossless' : 'preview'}
        data-window={view === null ? '' : windowText(view.window)}
        data-image-index={index}
        data-loaded={progress}
        data-render-path={stage.current?.path ?? ''}
        data-tool={tool}
        data-shown={image?.sopUid ?? ''}
        data-frame={image?.frame ?? 0}
      >
        <div className="cornerstone" ref={canvas} onContextMenu={(event) => { event.preventDefault(); }} onPointerDown={leaveFields} />
        {!isLossless && !isFailed && image !== undefined && <Preview image={image} />}
        {isFailed && image !== undefined && (
          <div className="failed" role="alert">
            <p>{w.failed}</p>
            <p>{w.failedHow}</p>
            <button type="button" onClick={() => { setFailedAt(null); setAttempt(attempt + 1); }}>{w.retry}</button>{' '}
            <a href={fileUrl(image)} download>{w.download}</a>
          </div>
        )}
        <Overlay
          study={study}
          seriesText={[stack.series.number ?? '', stack.series.description].join(' ')}
          index={index}
          count={images.length}
          {...(view === null ? {} : { marks: view.marks })}
          quality={<QualityBlock isLossless={isLossless} json={json} progress={progress} count={images.length} />}
          look={view !== null && <Look view={view} />}
        />
        <div className="notices">
          {isRefused && <p role="status" data-testid="refused">{w.noMirroredTurn}</p>}
          {isUnsaved && <p role="alert">{w.notSaved}</p>}
        </div>
        <MeasurementList
          measurements={measurements}
          onShow={(at) => stage.current?.show(at)}
          onRemove={(id) => stage.current?.removeMeasurement(id)}
          {...(onMeasurement === undefined ? {} : { onInsert: onMeasurement })}
        />
      </div>
    </div>
  );
}

/** A click on the picture ends typing: from here on keys are the viewer's. */
function leaveFields(): void {
  if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
}

function Preview({ image }: { image: ImageRef }) {
  const w = useRoomWords(words);
  return (
    <>
      <img className="preview-layer" src={previewUrl(image)} alt="" draggable={false} data-testid="preview-image" />
      <p className="preview-label" data-testid="preview-label">{w.preview}</p>
    </>
  );
}

/** Amber square: preview. Green disc: the stored pixels. Amber disc: the stored pixels, which the device itself compressed with loss. */
function QualityBlock({ isLossless, json, progress, count }: { isLossless: boolean; json: DicomJson | undefined; progress: number; count: number }) {
  const w = useRoomWords(words);
  const quality = json === undefined ? null : qualityOf(json);
  const isLossy = quality?.isLossy === true;
  const kind = isLossless ? (isLossy ? 'lossy' : 'full') : 'preview';
  const text = !isLossless ? w.preview : isLossy ? w.lossy(quality.method, quality.ratio === null ? '' : quality.ratio.toFixed(0)) : w.lossless;
  return (
    <>
      <span className={`quality ${kind}`} data-testid="quality" data-quality={kind}>{text}</span>
      {count > 1 && progress < count && <span data-testid="loading">{w.loading(progress, count)}</span>}
    </>
  );
}

function Look({ view }: { view: View }) {
  const w = useRoomWords(words);
  return (
    <>
      {view.isInverted && <span className="altered">{w.inverted}</span>}
      {view.isFlipped && <span className="altered">{w.turned}</span>}
      <span>{w.windowLabel} {windowText(view.window)}</span>
      <span>{w.zoomLabel} {Math.round(view.zoom_percent)} %</span>
    </>
  );
}

interface Saving {
  (measurements: readonly Measurement[]): void;
  /** What was saved on images of other stacks stays in the document. */
  keepOthers: (saved: readonly SavedLength[]) => void;
}

/** Saves a moment after the last change; one document for the study, so other stacks' measurements are kept in it. */
function useSaving(studyId: string, stack: Stack, onUnsaved: (isUnsaved: boolean) => void): Saving {
  const [saving] = useState((): Saving => {
    let others: readonly SavedLength[] | null = null;
    let timer = 0;
    const own = new Set(stack.images.map((image) => image.sopUid));
    const save = (measurements: readonly Measurement[]): void => {
      window.clearTimeout(timer);
      const all = measurements.map(({ id, saved }): SavedLength => ({ id, ...saved }));
      timer = window.setTimeout(() => {
        // Without knowing what is there already, saving would wipe it out.
        if (others === null) onUnsaved(true);
        else saveAnnotations(studyId, [...others, ...all]).then(() => { onUnsaved(false); }, () => { onUnsaved(true); });
      }, SAVE_AFTER_MS);
    };
    return Object.assign(save, { keepOthers: (saved: readonly SavedLength[]) => { others = saved.filter((one) => !own.has(one.sop_instance_uid)); } });
  });
  return saving;
}
