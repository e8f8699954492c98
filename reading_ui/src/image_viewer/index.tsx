/**
 * The image viewer: every picture of a study, with the patient's identity always on it. This file is light, so that the
 * server's preview stands on screen before Cornerstone's megabytes are parsed; `stage` brings those.
 */
import { useEffect, useMemo, useState } from 'react';

import type { StudyView } from '../api/types';
import { useRoomWords } from '../words/language';
import { ClipView } from './clip_view';
import { stacksOf } from './images';
import { SeriesStrip } from './series_strip';
import { StillView } from './still_view';
import * as words from './words';
import './viewer.css';

export interface ImageViewerProps {
  study: StudyView;
  onMeasurement?: (text: string) => void;
}

export default function ImageViewer({ study, onMeasurement }: ImageViewerProps) {
  const w = useRoomWords(words);
  const stacks = useMemo(() => stacksOf(study), [study]);
  const [chosen, setChosen] = useState(0);
  /** A clip of which one frame is being measured. */
  const [frozenFrame, setFrozenFrame] = useState<number | null>(null);
  const stack = stacks[Math.min(chosen, stacks.length - 1)];
  useEffect(() => {
    // The heavy part starts to load with the first picture, not after it.
    void import('./stage');
  }, []);
  if (stack === undefined) return <p className="image-viewer-empty">{w.failed}</p>;
  const isClip = stack.isClip && frozenFrame === null;
  return (
    <section className="image-viewer" aria-label={w.viewer} data-testid="image-viewer">
      {stacks.length > 1 && (
        <SeriesStrip
          stacks={stacks}
          chosen={chosen}
          onChoose={(index) => {
            setFrozenFrame(null);
            setChosen(index);
          }}
        />
      )}
      {isClip ? (
        <ClipView key={stack.key} study={study} stack={stack} onFreeze={setFrozenFrame} />
      ) : (
        <StillView
          key={stack.key}
          study={study}
          stack={stack}
          {...(onMeasurement === undefined ? {} : { onMeasurement })}
          {...(frozenFrame === null ? {} : { startIndex: frozenFrame, onBack: () => { setFrozenFrame(null); } })}
        />
      )}
    </section>
  );
}
