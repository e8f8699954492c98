/** The alarm of this screen: rings while an emergency waits that nobody has muted; any click or key wakes the sound. */
import { useCallback, useEffect, useRef, useState } from 'react';

import { type Mute, muteAll, muteInForce, ringing } from './alarm';
import { AlarmSound, type SoundState } from './sound';

export interface Alarm {
  sound: SoundState;
  isRinging: boolean;
  mute: Mute | null;
  bursts: { started: number; played: number };
  start: () => void;
  toggleMute: () => void;
}

/** `now_ms` is the gateway's clock, by which a mute ends. */
export function useAlarm(studies: readonly string[], now_ms: number): Alarm {
  const [sound, setSound] = useState<SoundState>('asleep');
  const [bursts, setBursts] = useState({ started: 0, played: 0 });
  const [mute, setMute] = useState<Mute | null>(null);
  const player = useRef<AlarmSound | null>(null);
  const isWanted = ringing(studies, mute, now_ms).length > 0;

  useEffect(() => {
    const made = new AlarmSound({ onState: setSound, onBurst: (started, played) => { setBursts({ started, played }); } });
    player.current = made;
    const wake = () => void made.start();
    window.addEventListener('pointerdown', wake);
    window.addEventListener('keydown', wake);
    return () => {
      window.removeEventListener('pointerdown', wake);
      window.removeEventListener('keydown', wake);
      made.close();
    };
  }, []);
  useEffect(() => {
    player.current?.ring(isWanted && sound === 'awake');
  }, [isWanted, sound]);

  const start = useCallback(() => void player.current?.start(), []);
  const inForce = muteInForce(studies, mute, now_ms);
  const toggleMute = (): void => {
    if (inForce !== null && !isWanted) setMute(null);
    else if (studies.length > 0) setMute(muteAll(studies, now_ms));
  };
  return { sound, isRinging: isWanted && sound === 'awake', mute: inForce, bursts, start, toggleMute };
}
