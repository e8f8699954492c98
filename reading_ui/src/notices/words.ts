/** Words of the bell; they load with it. */
export const zh = {
  bell: '通知',
  unread: (count: number) => `${String(count)} 份阅片有未读通知`,
  none: '最近七天没有通知。',
  allRead: '全部标为已读',
  isNew: '未读',
  failed: '通知没有取到。',
  again: '再试一次',
  toYou: {
    routed: '规则要求通知您',
    breach: '已超时',
    reoffer: '未按时认领，重新交给全组',
    climb: '全组都没有认领，请负责人安排',
    overflow: '转到上级中心，请认领',
    assigned: '已分派给您',
    handed_over: '您的工作已交回',
  } as Record<string, string>,
  nudge: (percent: number) => `时间已过 ${String(percent)}%`,
};

export const en: typeof zh = {
  bell: 'Notices',
  unread: (count) => `unread notices of ${String(count)} readings`,
  none: 'No notices in the last seven days.',
  allRead: 'Mark all as read',
  isNew: 'unread',
  failed: 'The notices could not be fetched.',
  again: 'Try again',
  toYou: {
    routed: 'a rule wants you to know',
    breach: 'past its time',
    reoffer: 'not claimed in time: open to the whole group again',
    climb: 'nobody of the group took it: please arrange it',
    overflow: 'moved to your centre: please claim it',
    assigned: 'assigned to you',
    handed_over: 'handed back for you',
  },
  nudge: (percent) => `${String(percent)} % of the time is gone`,
};
