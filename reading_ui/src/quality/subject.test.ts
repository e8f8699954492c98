import { describe, expect, it } from 'vitest';

import type { StudyView } from '../api/types';
import { subjectOf, subjectsOf } from './subject';

const instance = (id: string, frames = 1) => ({ id, sop_instance_uid: `1.2.${id}`, frame_count: frames });
const study = (...series: { id: string; instances: unknown[] }[]) => ({ id: 's', series }) as unknown as StudyView;

describe('what a grade is about', () => {
  const one = study({ id: 'a', instances: [instance('1'), instance('2', 30)] });

  it('is the picture on screen, with its frame where there are several', () => {
    expect(subjectOf(one, { shown: '1.2.1', frame: 1 })).toEqual({ level: 'image', target_id: '1', frame: 0 });
    expect(subjectOf(one, { shown: '1.2.2', frame: 7 })).toEqual({ level: 'image', target_id: '2', frame: 7 });
    expect(subjectOf(one, { shown: '2', frame: 0 }).target_id).toBe('2');
  });

  it('is the examination where no picture of it is on screen', () => {
    for (const taken of [null, { shown: '', frame: 0 }, { shown: '9.9', frame: 1 }]) expect(subjectOf(one, taken).level).toBe('study');
  });

  it('may be the series where there is more than one', () => {
    const two = study({ id: 'a', instances: [instance('1')] }, { id: 'b', instances: [instance('2')] });
    expect(subjectsOf(two, { shown: '1.2.2', frame: 1 }).map(({ level, target_id }) => [level, target_id])).toEqual([['study', 's'], ['series', 'b'], ['image', '2']]);
    expect(subjectsOf(one, { shown: '1.2.1', frame: 1 }).map(({ level }) => level)).toEqual(['study', 'image']);
    expect(subjectsOf(one, null).map(({ level }) => level)).toEqual(['study']);
  });
});
