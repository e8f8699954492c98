export const zh = {
  title: '登录',
  login: '用户名',
  password: '密码',
  submit: '登录',
  busy: '正在登录…',
  ended: '登录已失效，请重新登录。',
  own: '请用自己的账号登录：书写、审核和签发都记在您名下。',
  notDevice: '请在合格的诊断显示器上阅片。',
};

export const en: typeof zh = {
  title: 'Log in',
  login: 'User name',
  password: 'Password',
  submit: 'Log in',
  busy: 'Logging in…',
  ended: 'Your login has ended. Please log in again.',
  own: 'Use your own account: writing, reviewing and signing are recorded under your name.',
  notDevice: 'Read on a display that is fit for diagnosis.',
};
