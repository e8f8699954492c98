export const zh = {
  noWaveform: '没有波形。',
  noWaveformHint: '设备只发来了一页图（PDF），原样显示；不能测量、滤波或与以前的波形叠加。',
  page: '设备发来的心电图页',
  openAlone: '单独打开',
  arrived: (time: string) => `到达 ${time}（采集时间请看图上）`,
};

export const en: typeof zh = {
  noWaveform: 'No waveform.',
  noWaveformHint: 'The cart sent a page (PDF), shown as it is; it cannot be measured, filtered or laid over earlier traces.',
  page: 'The page that the cart sent',
  openAlone: 'Open alone',
  arrived: (time) => `arrived ${time} (the time of recording is on the page)`,
};
