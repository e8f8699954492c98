/**
 * The alarm itself, by Web Audio, without a file. Browsers keep silent until somebody has touched the page: `start` is
 * called from a click or a key, and `state` says how it stands.
 *
 * A burst is five pulses, three and two, as alarms of high priority sound in a ward, repeated until told to stop.
 */
export type SoundState = 'asleep' | 'awake' | 'missing';

export interface SoundListener {
  onState: (state: SoundState) => void;
  /** Bursts whose first tone was started, and those whose last tone has been played to its end. */
  onBurst: (started: number, played: number) => void;
}

export const BURST_EVERY_MS = 4000;
const TONE_HZ = 740;
const TONE_S = 0.16;
const STARTS_S = [0, 0.26, 0.52, 0.98, 1.24];
const LOUDNESS = 0.6;

export class AlarmSound {
  private context: AudioContext | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;
  private started = 0;
  private played = 0;

  constructor(private readonly listener: SoundListener) {
    try {
      this.context = new AudioContext();
      this.context.onstatechange = this.tell;
    } catch {
      // No audio hardware, or a browser without Web Audio: the wall says that it is silent.
    }
    this.tell();
  }

  get state(): SoundState {
    if (this.context === null) return 'missing';
    return this.context.state === 'running' ? 'awake' : 'asleep';
  }

  /** From a click or a key. */
  async start(): Promise<void> {
    await this.context?.resume().catch(() => undefined);
    this.tell();
  }

  ring(isOn: boolean): void {
    if (isOn === (this.timer !== undefined)) return;
    clearInterval(this.timer);
    this.timer = isOn ? setInterval(this.burst, BURST_EVERY_MS) : undefined;
    if (isOn) this.burst();
  }

  close(): void {
    this.ring(false);
    if (this.context === null) return;
    this.context.onstatechange = null;
    void this.context.close().catch(() => undefined);
    this.context = null;
  }

  private readonly tell = (): void => {
    this.listener.onState(this.state);
  };

  private readonly burst = (): void => {
    const { context } = this;
    if (context?.state !== 'running') return;
    const now = context.currentTime + 0.02;
    const tones = STARTS_S.map((start) => {
      const tone = context.createOscillator();
      const loudness = context.createGain();
      tone.type = 'triangle';
      tone.frequency.value = TONE_HZ;
      loudness.gain.setValueAtTime(0, now + start);
      loudness.gain.linearRampToValueAtTime(LOUDNESS, now + start + 0.02);
      loudness.gain.setValueAtTime(LOUDNESS, now + start + TONE_S - 0.03);
      loudness.gain.linearRampToValueAtTime(0, now + start + TONE_S);
      tone.connect(loudness).connect(context.destination);
      tone.start(now + start);
      tone.stop(now + start + TONE_S);
      return tone;
    });
    this.started += 1;
    const last = tones.at(-1);
    if (last !== undefined) {
      last.onended = () => {
        this.played += 1;
        this.listener.onBurst(this.started, this.played);
      };
    }
    this.listener.onBurst(this.started, this.played);
  };
}
