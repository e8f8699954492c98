/** What else a rule can give; these words load with the explanation, not with the shell. */
export const zh = {
  secondReader: '审核',
  stages: '时限',
  stage: { arrive: '到齐', claim: '认领', write: '书写', review: '审核', return: '返回', open: '打开' } as Record<string, string>,
  minutes: (count: number) => `${String(count)} 分钟`,
  forwards: '转发到',
  hold: (time: string) => `${time} 以后才进列表`,
  overflow: (group: string, minutes: number) => `${String(minutes)} 分钟没人认领转给 ${group}`,
  notify: (count: number) => `${String(count)} 项通知`,
  people: { assign: '分派给人', review: '分派审核', 'second reader': '规则指定的审核人' } as Record<string, string>,
  person: {
    chosen: '分派给此人', able: '可以，但另有人更合适', 'no-role': '没有这里的权限', 'own-report': '报告是本人书写的', 'not-reviewer-grade': '级别不能审核',
    'other-site': '不负责这家机构', 'not-skilled': '专长不含这类检查', 'on-leave': '休假', away: '离开', off: '已下班', 'off-duty': '不在班', full: '手中已满',
  } as Record<string, string>,
  inHand: (login: string, word: string, open: number, hasPrior: boolean) => `${login}：${word}（手中 ${String(open)} 份${hasPrior ? '，看过此人的既往检查' : ''}）`,
};

export const en: typeof zh = {
  secondReader: 'Review by',
  stages: 'Due',
  stage: { arrive: 'arrive', claim: 'claim', write: 'write', review: 'review', return: 'return', open: 'open' },
  minutes: (count: number) => `${String(count)} min`,
  forwards: 'Forward to',
  hold: (time: string) => `on the worklist from ${time}`,
  overflow: (group: string, minutes: number) => `to ${group} when not claimed within ${String(minutes)} min`,
  notify: (count: number) => `${String(count)} notices`,
  people: { assign: 'Assigned to a person', review: 'Review assigned', 'second reader': 'Reviewer named by the rule' },
  person: {
    chosen: 'chosen', able: 'able, but somebody else fits better', 'no-role': 'no role here', 'own-report': 'wrote the report', 'not-reviewer-grade': 'grade does not review',
    'other-site': 'does not read for this site', 'not-skilled': 'not among the skills', 'on-leave': 'on leave', away: 'away', off: 'off', 'off-duty': 'not on duty', full: 'has enough in hand',
  },
  inHand: (login, word, open, hasPrior) => `${login}: ${word} (${String(open)} in hand${hasPrior ? ', knows earlier examinations' : ''})`,
};
