/** The tools beside the paper, as buttons of the toolbar; and the banner over a preview that is not the record. */
import { useRoomWords } from '../words/language';
import { nextSwap, type Swap } from './reversal';
import * as words from './words_tools';

/** What stands where the paper is. */
export type Desk = 'paper' | 'beats' | 'serial';

interface DeskToolsProps {
  desk: Desk;
  onDesk: (desk: Desk) => void;
  swaps: readonly Swap[];
  swap: Swap | null;
  onSwap: (swap: Swap | null) => void;
}

export function DeskTools({ desk, onDesk, swaps, swap, onSwap }: DeskToolsProps) {
  const w = useRoomWords(words);
  const turn = (to: Desk) => () => { onDesk(desk === to ? 'paper' : to); };
  return (
    <span className="ecg-group">
      <button type="button" className="button" aria-pressed={desk === 'beats'} aria-label={w.beats} title={`${w.beats} B`} data-testid="ecg-beats-tool" onClick={turn('beats')}>{w.beatsTool}</button>
      <button type="button" className="button" aria-pressed={desk === 'serial'} aria-label={w.serial} title={`${w.serial} S`} data-testid="ecg-serial-tool" onClick={turn('serial')}>{w.serialTool}</button>
      {swaps.length > 0 && (
        <button type="button" className="button" aria-pressed={swap !== null} aria-label={`${swap ?? w.swapTool}: ${w.swap}, ${swap === null ? w.swapNone : w.swapNames[swap]}`} title={`${w.swap} E`} data-testid="ecg-swap-tool"
          onClick={() => { onSwap(nextSwap(swaps, swap)); }}>
          {swap === null ? w.swapTool : swap}
        </button>
      )}
    </span>
  );
}

export function SwapBanner({ swap, onEnd }: { swap: Swap; onEnd: () => void }) {
  const w = useRoomWords(words);
  return (
    <div className="ecg-preview" role="alert" data-testid="swap-banner" data-swap={swap}>
      <strong>{w.swapBanner(`${swap}(${w.swapNames[swap]})`)}</strong>
      <button type="button" className="button" data-testid="swap-end" onClick={onEnd}>{w.swapEnd} <kbd>Esc</kbd></button>
    </div>
  );
}
