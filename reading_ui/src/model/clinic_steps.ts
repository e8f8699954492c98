/** The clinic's five steps: arrived, being read, in review, report ready, received. */
const REACHED: Record<string, number> = {
  arriving: 0,
  arrived: 1,
  being_read: 2,
  in_review: 3,
  report_ready: 4,
  acknowledged: 5,
  sent_back: 1,
  read_elsewhere: 3,
};

export const STEP_COUNT = 5;

/** How many of the five steps are reached; an unknown step counts as arrived. */
export function stepsReached(step: string): number {
  return REACHED[step] ?? 1;
}
