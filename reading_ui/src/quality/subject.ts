/** What a grade is about: the picture on screen where the viewer says which, else the whole examination. */
import type { StudyView } from '../api/types';
import type { Taken } from './picture';

export interface Subject {
  level: string;
  target_id: string;
  frame: number;
}

export function subjectOf(study: StudyView, taken: Pick<Taken, 'shown' | 'frame'> | null): Subject {
  const all = study.series.flatMap((series) => series.instances);
  const shown = taken === null || taken.shown === '' ? undefined : all.find((one) => one.sop_instance_uid === taken.shown || one.id === taken.shown);
  if (taken === null || shown === undefined) return { level: 'study', target_id: study.id, frame: 0 };
  return { level: 'image', target_id: shown.id, frame: shown.frame_count > 1 ? taken.frame : 0 };
}

/** What may be graded from here: the examination, the series on screen where there are several, the picture on screen. */
export function subjectsOf(study: StudyView, taken: Pick<Taken, 'shown' | 'frame'> | null): Subject[] {
  const whole: Subject = { level: 'study', target_id: study.id, frame: 0 };
  const image = subjectOf(study, taken);
  if (image.level === 'study') return [whole];
  const series = study.series.find((one) => one.instances.some((instance) => instance.id === image.target_id));
  const isOneOfMany = series !== undefined && study.series.filter((one) => one.instances.length > 0).length > 1;
  return [whole, ...(isOneOfMany ? [{ level: 'series', target_id: series.id, frame: 0 }] : []), image];
}
