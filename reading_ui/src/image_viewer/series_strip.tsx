/**
 * The stacks of a study with a small picture each.
 */
import { useRoomWords } from '../words/language';
import type { Stack } from './images';
import { thumbnailUrl } from './pixel_loader';
import * as words from './words';

interface SeriesStripProps {
  stacks: readonly Stack[];
  chosen: number;
  onChoose: (index: number) => void;
}

export function SeriesStrip({ stacks, chosen, onChoose }: SeriesStripProps) {
  const w = useRoomWords(words);
  return (
    <div className="series-strip" role="group" aria-label={w.series} data-testid="series-strip">
      {stacks.map((stack, index) => {
        const middle = stack.images[Math.floor(stack.images.length / 2)];
        const count = stack.isClip ? w.clip(stack.images.length) : w.seriesImages(stack.images.length);
        return (
          <button
            key={stack.key}
            type="button"
            aria-pressed={index === chosen}
            onClick={() => { onChoose(index); }}
            data-testid="series"
          >
            {middle !== undefined && <img src={thumbnailUrl(middle)} alt="" loading="lazy" draggable={false} />}
            <span>{[stack.series.number ?? '', stack.series.description || stack.series.modality].join(' ')}</span>
            <small>{count}</small>
          </button>
        );
      })}
    </div>
  );
}
