/** Words about consent, agreement and declining: they travel with the pages that load later. */
export const zh = {
  missing: {
    consent: '未记录患者对远程诊断的知情告知', 'consent-written': '知情同意未标明已书面签署', agreement: '未登记两家机构的远程诊断协议', 'agreement-ended': '两家机构的远程诊断协议不在有效期内',
  } as Record<string, string>,
  hint: '请补齐；不影响急诊阅片。', separator: '；',
  declined: (reason: string) => `阅片方不承接：${reason}`, declinedHint: '可修改申请后再次请求，或转往别处。',
  decline: '不承接', declineTitle: '不承接这份检查', declineHint: '诊所会看到这个原因，并可修改申请后再次请求。', wasDeclined: (reason: string) => `曾不承接：${reason}。诊所已修改申请，再次请求。`,
};

export const en: typeof zh = {
  missing: {
    consent: 'Nobody recorded that the patient was informed of remote reading', 'consent-written': 'Consent is not marked as signed in writing',
    agreement: 'No agreement on remote reading between the two sites is recorded', 'agreement-ended': 'The agreement on remote reading between the two sites is not in force',
  },
  hint: 'Please complete it; it keeps nobody from reading an emergency.', separator: '; ',
  declined: (reason) => `The reading site declined: ${reason}`, declinedHint: 'Amend the order to ask again, or turn elsewhere.',
  decline: 'Decline', declineTitle: 'Decline this examination', declineHint: 'The clinic will see this reason, and can amend its order to ask again.', wasDeclined: (reason) => `It was declined: ${reason}. The clinic has amended its order and asks again.`,
};
