/** RR intervals beat by beat, for the eye: is the rhythm even, where is the pause. A plain plot of numbers, no finding. */
import { useRoomWords } from '../words/language';
import { SourceMark } from './source_mark';
import * as words from './words_tools';

const HEIGHT = 48;
const STEP = 16;
const PAD = 4;
const LEAST_SPAN_MS = 200;

export function RrPlot({ rrMs }: { rrMs: readonly number[] }) {
  const w = useRoomWords(words);
  const least = Math.min(...rrMs);
  const most = Math.max(...rrMs);
  // Small differences stay small: a scale that filled the height would make every rhythm look wild.
  const span = Math.max(LEAST_SPAN_MS, most - least);
  const low = (least + most - span) / 2;
  const x = (index: number) => PAD + index * STEP;
  const y = (ms: number) => HEIGHT - PAD - ((ms - low) / span) * (HEIGHT - 2 * PAD);
  const width = x(rrMs.length - 1) + PAD;
  return (
    <details className="ecg-rr" data-testid="ecg-rr">
      <summary>{w.rr(rrMs.length, least.toFixed(0), most.toFixed(0))} <SourceMark source="gateway" /></summary>
      <svg viewBox={`0 0 ${String(width)} ${String(HEIGHT)}`} role="img" aria-label={`${w.rrPlot}${w.colon}${rrMs.map((ms) => ms.toFixed(0)).join(' ')} ms`}>
        <polyline points={rrMs.map((ms, index) => `${String(x(index))},${y(ms).toFixed(2)}`).join(' ')} />
        {rrMs.map((ms, index) => <circle key={index} cx={x(index)} cy={y(ms)} r={2.2}><title>{`${String(index + 1)}: ${ms.toFixed(0)} ms`}</title></circle>)}
      </svg>
    </details>
  );
}
