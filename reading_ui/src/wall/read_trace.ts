/** The answer of /api/wall/traces: a header's length, the header, samples; all little-endian. Pure. */
import type { WallTraceHeader } from '../api/types';
import { RAW } from '../ecg_viewer/filters';
import { type Source, sourceOf } from '../ecg_viewer/sources';
import { splitSamples } from '../ecg_viewer/trace';

export function readTrace(bytes: ArrayBuffer): Source {
  const length = new DataView(bytes).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, length))) as WallTraceHeader;
  return sourceOf(splitSamples(bytes.slice(4 + length), header.leads), header.interval_us, RAW);
}
