/** What is known of the quality of a study, kept fresh while its page is open. */
import { quality as api } from '../api/quality';
import type { LiveEvent, QualityView } from '../api/types';
import { useLive } from '../app/live';
import { type Resource, useResource } from '../app/resource';

export function useQuality(studyId: string): Resource<QualityView> {
  const known = useResource((signal) => api.study(studyId, signal), studyId);
  useLive((event) => isOfQuality(event) && event.study_id === studyId, known.reload);
  return known;
}

/** Events that change nothing of the reading itself. */
export function isOfQuality(event: LiveEvent): boolean {
  return event.kind === 'quality' || event.kind === 'retake';
}
