import { describe, expect, it } from 'vitest';

import { calendarsOf, groupsOf, spotAt, tagsOf } from './outline';

const FILE = `format: 1
title: t
groups:
  imaging:
    name: 影像组   # ours
    name_en: "Imaging"
    members: [li, wang]
    hours:
      - days: [mon]
        from: "08:00"
        members:
          - li
  night: {name: 夜班}
fallback:
  group: imaging
rules:
  - name: a
    when:
      - study.kind == "ecg"
      - >
        arrival.hour >= 18
    then:
      group: night
      tags: [夜间, x]
  - name: b
    when: []
    then: {group: imaging, priority: urgent}
`;

const at = (mark: string, extra = ''): ReturnType<typeof spotAt> => {
  const offset = FILE.indexOf(mark) + mark.length;
  return spotAt(FILE.slice(0, offset) + extra, offset + extra.length);
};

describe('where the cursor stands', () => {
  it('is told by indentation', () => {
    expect(at('group: nig')).toEqual({ path: ['rules', '[]', 'then', 'group'], kind: 'value', before: 'nig' });
    expect(at('- study.k')).toEqual({ path: ['rules', '[]', 'when', '[]'], kind: 'condition', before: 'study.k' });
    expect(at('        arrival.ho')).toEqual({ path: ['rules', '[]', 'when', '[]'], kind: 'condition', before: 'arrival.ho' });
    expect(at('          - l').path).toEqual(['groups', 'imaging', 'hours', '[]', 'members', '[]']);
    expect(at('    members: [li, wa')).toMatchObject({ path: ['groups', 'imaging', 'members', '[]'], kind: 'value', before: 'wa' });
  });

  it('knows a key that has no colon yet, on a new line and inside braces', () => {
    expect(at('tags: [夜间, x]', '\n      pri')).toEqual({ path: ['rules', '[]', 'then'], kind: 'key', before: 'pri' });
    expect(at('tags: [夜间, x]', '\n')).toMatchObject({ kind: 'key', path: [] });
    expect(at('then: {group: imaging, pri')).toEqual({ path: ['rules', '[]', 'then'], kind: 'key', before: 'pri' });
    expect(at('then: {group: ima')).toEqual({ path: ['rules', '[]', 'then', 'group'], kind: 'value', before: 'ima' });
    expect(at('when: [', 'study.')).toEqual({ path: ['rules', '[]', 'when', '[]'], kind: 'condition', before: 'study.' });
  });

  it('takes a list that stands as far left as its key', () => {
    const text = 'rules:\n- name: a\n  when:\n  - arr';
    expect(spotAt(text, text.length)).toEqual({ path: ['rules', '[]', 'when', '[]'], kind: 'condition', before: 'arr' });
  });
});

it('reads the groups and the tags that a file names, also of a file that is no YAML yet', () => {
  expect(groupsOf(FILE)).toEqual([
    { id: 'imaging', name: '影像组', nameEn: 'Imaging' },
    { id: 'night', name: '夜班', nameEn: '' },
  ]);
  expect(groupsOf(`${FILE}\n  : [`)).toHaveLength(2);
  expect(tagsOf(FILE)).toEqual(['夜间', 'x']);
});

it('reads the calendars that a file names', () => {
  expect(calendarsOf('calendars:\n  market-day: [09-30]\n  harvest:\n    - 2026-09-25\nrules: []\n')).toEqual(['market-day', 'harvest']);
  expect(calendarsOf(FILE)).toEqual([]);
});
