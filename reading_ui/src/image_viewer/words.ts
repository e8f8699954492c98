/**
 * Words of the image viewer.
 */
import type { PresetName } from './presets';
import type { SpacingKind } from './units';

const presetsZh: Record<PresetName, string> = {
  stored: '设备窗', full: '全范围', soft: '纵隔/软组织', lung: '肺窗', bone: '骨窗', brain: '脑窗', liver: '肝窗',
  narrow: '高对比', wide: '低对比', bright: '偏亮', dark: '偏暗',
};
const spacingZh: Record<SpacingKind, string> = {
  patient: '', detector: '探测器平面', corrected: '已按放大率校正', calibrated: '已校准', region: '超声区域', unknown: '未校准',
};

export const zh = {
  viewer: '影像',
  preview: '预览 – 不作诊断',
  lossless: '原始像素',
  lossy: (method: string, ratio: string) => `原始像素为有损压缩${method === '' ? '' : ` ${method}`}${ratio === '' ? '' : ` ${ratio}:1`}`,
  loading: (done: number, all: number) => `已载入 ${String(done)}/${String(all)}`,
  failed: '此图像无法显示',
  failedHow: '原始文件已完整保存，可下载查看。',
  retry: '重试',
  download: '下载原始文件',
  tools: '工具',
  tool: { window: '调窗', length: '测长', pan: '平移', zoom: '缩放' },
  invert: '反相', rotate: '右转90°', unrotate: '左转90°', flipHorizontal: '左右翻转', flipVertical: '上下翻转',
  fit: '适合窗口', actual: '1:1', reset: '复位', undo: '撤销测量', help: '快捷键', close: '关闭',
  noMirroredTurn: '此电脑无显卡加速,不能同时镜像并旋转90°;请先复位或取消其中一项。',
  turned: '已翻转', inverted: '已反相',
  presets: '窗位预设', preset: presetsZh,
  spacing: spacingZh,
  length: '长度',
  notCalibrated: 'px 未校准',
  measurements: '测量', insert: '写入报告', remove: '删除', notSaved: '测量未能保存', measuredOn: (n: number) => `图 ${String(n)}`,
  series: '序列', seriesImages: (n: number) => `${String(n)} 幅`, clip: (n: number) => `动态 ${String(n)} 帧`,
  image: (n: number, all: number) => `${String(n)}/${String(all)}`,
  received: (n: number, all: number) => `已收 ${String(n)}/${String(all)} 幅`,
  sex: { M: '男', F: '女', O: '其他' } as Record<string, string>,
  years: (n: number) => `${String(n)}岁`, months: (n: number) => `${String(n)}个月`,
  id: '编号', born: '出生', accession: '检查号',
  guessed: '姓名编码为推测',
  play: '播放', pause: '暂停', speed: '速度', measureFrame: '测量此帧', backToClip: '返回动态',
  windowLabel: '窗', zoomLabel: '缩放',
  path: { gl: '显卡渲染', generic: '处理器渲染', cpu: '处理器渲染(无显卡)' },
  keys: [
    ['左键拖动', '调窗(按住 Shift 微调)'], ['中键 / Shift+右键', '平移'], ['右键拖动', '缩放'], ['滚轮 ↑ ↓ PgUp PgDn Home End', '翻图'],
    ['1 – 9', '窗位预设'], ['I', '反相'], ['L', '测长'], ['U', '撤销测量'], ['[ ]', '旋转'], ['H V', '翻转'], ['F A', '适合窗口 / 1:1'],
    ['+ −', '放大 / 缩小'], ['R', '复位'], ['空格 , .', '播放 / 减速 / 加速'], ['?', '快捷键'],
  ] as [string, string][],
};

export const en: typeof zh = {
  viewer: 'Images',
  preview: 'preview – not for diagnosis',
  lossless: 'as stored',
  lossy: (method, ratio) => `stored with lossy compression${method === '' ? '' : ` ${method}`}${ratio === '' ? '' : ` ${ratio}:1`}`,
  loading: (done, all) => `${String(done)}/${String(all)} loaded`,
  failed: 'This image cannot be shown',
  failedHow: 'The file is kept whole and can be downloaded.',
  retry: 'Try again',
  download: 'Download the file',
  tools: 'Tools',
  tool: { window: 'Window', length: 'Length', pan: 'Pan', zoom: 'Zoom' },
  invert: 'Invert', rotate: 'Rotate right', unrotate: 'Rotate left', flipHorizontal: 'Flip left–right', flipVertical: 'Flip top–bottom',
  fit: 'Fit', actual: '1:1', reset: 'Reset', undo: 'Undo measurement', help: 'Keys', close: 'Close',
  noMirroredTurn: 'Without a graphics card a picture cannot be mirrored and turned by 90° at once: undo one of them first.',
  turned: 'flipped', inverted: 'inverted',
  presets: 'Window presets',
  preset: {
    stored: 'Device', full: 'Full range', soft: 'Soft tissue', lung: 'Lung', bone: 'Bone', brain: 'Brain', liver: 'Liver',
    narrow: 'More contrast', wide: 'Less contrast', bright: 'Brighter', dark: 'Darker',
  },
  spacing: {
    patient: '', detector: 'detector plane', corrected: 'corrected for magnification', calibrated: 'calibrated', region: 'ultrasound region', unknown: 'uncalibrated',
  },
  length: 'Length',
  notCalibrated: 'px uncalibrated',
  measurements: 'Measurements', insert: 'Insert into report', remove: 'Remove', notSaved: 'Measurements could not be saved', measuredOn: (n) => `image ${String(n)}`,
  series: 'Series', seriesImages: (n) => `${String(n)} images`, clip: (n) => `clip, ${String(n)} frames`,
  image: (n, all) => `${String(n)}/${String(all)}`,
  received: (n, all) => `${String(n)} of ${String(all)} received`,
  sex: { M: 'M', F: 'F', O: 'O' },
  years: (n) => `${String(n)} y`, months: (n) => `${String(n)} mo`,
  id: 'ID', born: 'born', accession: 'Acc.',
  guessed: 'name encoding is a guess',
  play: 'Play', pause: 'Pause', speed: 'Speed', measureFrame: 'Measure this frame', backToClip: 'Back to clip',
  windowLabel: 'W', zoomLabel: 'Zoom',
  path: { gl: 'graphics card', generic: 'processor', cpu: 'processor (no graphics card)' },
  keys: [
    ['left drag', 'window (Shift: fine)'], ['middle drag / Shift+right drag', 'pan'], ['right drag', 'zoom'], ['wheel ↑ ↓ PgUp PgDn Home End', 'scroll'],
    ['1 – 9', 'window presets'], ['I', 'invert'], ['L', 'length'], ['U', 'undo measurement'], ['[ ]', 'rotate'], ['H V', 'flip'], ['F A', 'fit / 1:1'],
    ['+ −', 'zoom in / out'], ['R', 'reset'], ['space , .', 'play / slower / faster'], ['?', 'this help'],
  ],
};
