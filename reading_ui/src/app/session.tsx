/** Who is logged in. Pages below the shell may rely on somebody being there. */
import { createContext, useContext } from 'react';

import type { SessionView } from '../api/types';

export interface SessionState {
  session: SessionView;
  logOut: () => void;
}

export const SessionContext = createContext<SessionState | null>(null);

export function useSession(): SessionState {
  const state = useContext(SessionContext);
  if (state === null) throw new Error('useSession is used outside the shell.');
  return state;
}
