/** Words of the figures of reading. */
export const zh = {
  title: '阅片指标', quality: '图像质量', per: '按', from: '从', to: '到', csv: '下载 CSV',
  perNames: { site: '机构', reader: '医师', modality: '检查类型', group: '值班组' } as Record<string, string>,
  nothing: '这段时间没有完成到达的检查。', nothingHint: '换一个月份，或等第一份检查到齐。',
  stages: { arrive: '到齐', claim: '认领', write: '书写', review: '签发', return: '回传', open: '查收' } as Record<string, string>,
  stagesTitle: '各环节用时', stagesHint: '条：中位数；竖线：九成在此之内。红字：超时占比。认领、书写、签发自到齐起算，回传、查收自签发起算。',
  stage: (median: string, p90: string, breaches: number, counted: number) => `中位数 ${median},九成在 ${p90} 之内，超时 ${String(breaches)} / ${String(counted)}`,
  late: '超时', monthsTitle: '每月签发用时', hoursTitle: '一天里的工作量', arrived: '到齐', signed: '签发', hour: (hour: number, count: number) => `${String(hour)} 时：${String(count)} 份`,
  indicatorsTitle: '质控指标', count: (count: number) => `${String(count)} 例`, ratio: (part: number, whole: number) => `${String(part)} / ${String(whole)}`,
  indicators: {
    'RRC-02': ['急诊影像报告 2 小时内完成率', 'RQI RRC-02（2024）'], 'RCV-04': ['影像危急值 10 分钟内通报率', 'RQI RCV-04（2024）；以基层打开报告计'],
    'US-CV-01': ['超声危急值 10 分钟内通报率', 'USQI US-CV-01（2022）；以基层打开报告计'], 'US-TL-01': ['住院超声 48 小时内完成率', 'USQI US-TL-01（2022）'],
    'N121-IMG': ['远程影像诊断例数', '国卫办基层函〔2025〕121 号'], 'N121-US': ['远程超声诊断例数', '国卫办基层函〔2025〕121 号'], 'N121-ECG': ['远程心电诊断例数', '国卫办基层函〔2025〕121 号'],
  } as Record<string, [name: string, source: string]>,
  tableTitle: '明细', unknown: '未知', noWriter: '尚无人书写', all: '合计',
  columns: { studies: '检查', signed: '已签发', open: '未完成', returned: '退回', reviewed: '审核', positive: '阳性率', critical: '危急', rejections: '驳回', median: '签发中位数', p90: '九成之内', late: '超时' },
  seconds: (count: number) => `${String(count)} 秒`, minutes: (count: number) => `${String(count)} 分`, hours: (count: string) => `${count} 小时`,
};

export const en: typeof zh = {
  title: 'Figures of reading', quality: 'Image quality', per: 'By', from: 'From', to: 'To', csv: 'Download CSV',
  perNames: { site: 'site', reader: 'reader', modality: 'modality', group: 'duty group' },
  nothing: 'No study was complete in this time.', nothingHint: 'Choose another month, or wait for the first study.',
  stages: { arrive: 'Arrive', claim: 'Claim', write: 'Write', review: 'Sign', return: 'Return', open: 'Open' },
  stagesTitle: 'Time by stage', stagesHint: 'Bar: median; line: nine of ten within. Red: share over time. Claim, write and sign count from complete, return and open from the signature.',
  stage: (median, p90, breaches, counted) => `median ${median}, nine of ten within ${p90}, over time ${String(breaches)} of ${String(counted)}`,
  late: 'over time', monthsTitle: 'Time to signature by month', hoursTitle: 'Work by hour of the day', arrived: 'complete', signed: 'signed', hour: (hour, count) => `${String(hour)}:00 to ${String(hour)}:59: ${String(count)}`,
  indicatorsTitle: 'Indicators', count: (count) => String(count), ratio: (part, whole) => `${String(part)} of ${String(whole)}`,
  indicators: {
    'RRC-02': ['Emergency image reports within 2 h', 'RQI RRC-02 (2024)'], 'RCV-04': ['Critical image findings known within 10 min', 'RQI RCV-04 (2024); counted when the clinic opens the report'],
    'US-CV-01': ['Critical ultrasound findings known within 10 min', 'USQI US-CV-01 (2022); counted when the clinic opens the report'], 'US-TL-01': ['Inpatient ultrasound reported within 48 h', 'USQI US-TL-01 (2022)'],
    'N121-IMG': ['Remote image diagnoses', 'N121 (2025)'], 'N121-US': ['Remote ultrasound diagnoses', 'N121 (2025)'], 'N121-ECG': ['Remote ECG diagnoses', 'N121 (2025)'],
  },
  tableTitle: 'Table', unknown: 'not known', noWriter: 'nobody has written yet', all: 'All',
  columns: { studies: 'Studies', signed: 'Signed', open: 'Open', returned: 'Returned', reviewed: 'Reviewed', positive: 'Positive', critical: 'Critical', rejections: 'Rejected', median: 'Median to sign', p90: 'Nine of ten', late: 'Over time' },
  seconds: (count) => `${String(count)} s`, minutes: (count) => `${String(count)} min`, hours: (count) => `${count} h`,
};
