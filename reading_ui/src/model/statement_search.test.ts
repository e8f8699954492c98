import { describe, expect, it } from 'vitest';

import { byCode, codeBefore, search, separated } from './statement_search';

const item = (short_code: string, zh: string, en: string, group = 'rhythm') => ({ id: short_code, group, zh, en, short_code, code: '', scheme: '' });
const ITEMS = [
  item('dxxlbq', '窦性心律不齐', 'Sinus arrhythmia'), item('dxxl', '窦性心律', 'Sinus rhythm'), item('dxxdgs', '窦性心动过速', 'Sinus tachycardia'),
  item('zsfzczz', '左束支传导阻滞', 'Left bundle branch block', 'conduction'),
];

describe('statements by what is typed', () => {
  it('sees a short code before the caret, and only there', () => {
    expect(codeBefore('窦dxxl', 5)).toEqual({ start: 1, code: 'dxxl' });
    expect(codeBefore('dxxl。', 4)).toEqual({ start: 0, code: 'dxxl' });
    expect(codeBefore('dxxl', 2)).toBeNull();
    expect(codeBefore('dxxl ', 5)).toBeNull();
    expect(codeBefore('d', 1)).toBeNull();
  });

  it('leaves the letters of electrocardiography alone', () => {
    for (const text of ['QRS', 'aVR', 'V5', 'PR', 'QTc', '5mv']) expect(codeBefore(text, text.length)).toBeNull();
  });

  it('finds by short code, the whole code first', () => {
    expect(byCode(ITEMS, 'dxxl', 8).map((one) => one.zh)).toEqual(['窦性心律', '窦性心律不齐']);
    expect(byCode(ITEMS, 'dxx', 1)).toHaveLength(1);
    expect(byCode(ITEMS, 'qq', 8)).toEqual([]);
  });

  it('finds by words in either language and by group', () => {
    expect(search(ITEMS, '心律', '').map((one) => one.short_code)).toEqual(['dxxlbq', 'dxxl']);
    expect(search(ITEMS, 'bundle left', '').map((one) => one.short_code)).toEqual(['zsfzczz']);
    expect(search(ITEMS, '', 'conduction')).toHaveLength(1);
    expect(search(ITEMS, 'dxxl', 'conduction')).toEqual([]);
  });

  it('puts a comma between sentences, none at a beginning, after a mark or on a new line', () => {
    expect(separated('窦性心律', 4, '电轴左偏')).toBe('，电轴左偏');
    for (const text of ['', '窦性心律。', '窦性心律\n', '窦性心律，']) expect(separated(text, text.length, '电轴左偏')).toBe('电轴左偏');
  });
});
