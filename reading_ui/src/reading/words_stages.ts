/** Words of the line of stages; they load with the reading page. */
export const zh = {
  stages: '各环节用时',
  met: (span: string) => `按时 ${span}`,
  late: (span: string) => `迟到 ${span}`,
  breached: (span: string) => `超时 ${span}`,
  pending: (time: string) => `${time} 前`,
  stopped: '停止',
};

export const en: typeof zh = {
  stages: 'Time of each stage',
  met: (span) => `in time, ${span}`,
  late: (span) => `late by ${span}`,
  breached: (span) => `over by ${span}`,
  pending: (time) => `by ${time}`,
  stopped: 'stopped',
};
