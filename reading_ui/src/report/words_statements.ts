export const zh = {
  title: '语句库',
  find: '拼音首字母或关键字,回车插入',
  allGroups: '全部',
  group: '分类',
  none: '没有这样的语句',
  suggestions: '按短码建议的语句:↑↓ 选择,回车插入,Esc 不用',
  inserted: (section: string, words: string) => `已插入${section}:${words}`,
  more: (count: number) => `还有 ${String(count)} 条,请继续输入`,
};

export const en: typeof zh = {
  title: 'Statements',
  find: 'Pinyin initials or a word, Enter inserts',
  allGroups: 'All',
  group: 'Group',
  none: 'No such statement',
  suggestions: 'Statements by short code: ↑↓ choose, Enter inserts, Esc leaves',
  inserted: (section, words) => `Inserted into ${section}: ${words}`,
  more: (count) => `${String(count)} more: type on`,
};
