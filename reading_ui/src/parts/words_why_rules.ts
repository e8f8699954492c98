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
};
