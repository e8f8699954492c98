/** What a wall is told in its address, so that a screen keeps it over a restart: /wall?grid=3x2&screen=65&distance=5 */
import type { Screen } from './sizes';

export interface Settings {
  columns: number;
  rows: number;
  screen: Screen;
}

export const GRIDS = ['1x1', '2x1', '2x2', '3x2', '3x3', '4x3'] as const;
export const INCHES = [43, 50, 55, 65, 75, 86, 98, 110] as const;
export const DISTANCES_M = [2, 3, 4, 5, 6, 8] as const;
const USUAL = { grid: '3x2', screen: 65, distance: 5 };

/** Columns by rows; anything not understood is as usual. */
export function settingsOf(search: string): Settings {
  const asked = new URLSearchParams(search);
  const grid = GRIDS.find((name) => name === asked.get('grid')) ?? USUAL.grid;
  const [columns = 3, rows = 2] = grid.split('x').map(Number);
  const within = (name: 'screen' | 'distance', least: number, most: number) => {
    const value = Number(asked.get(name) ?? '');
    return value >= least && value <= most ? value : USUAL[name];
  };
  return { columns, rows, screen: { inches: within('screen', 10, 300), distanceM: within('distance', 0.5, 20) } };
}

export function addressOf({ columns, rows, screen }: Settings): string {
  return `/wall?grid=${String(columns)}x${String(rows)}&screen=${String(screen.inches)}&distance=${String(screen.distanceM)}`;
}
