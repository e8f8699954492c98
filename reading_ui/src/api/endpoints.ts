/**
 * Every call that the pages make, by name. Bodies are the generated types; nothing here decides anything.
 */
import { getJson, query, sendJson, sendText } from './http';
import type * as t from './types';

const id = encodeURIComponent;

export const session = {
  get: () => getJson<t.SessionView>('/api/session'),
  logIn: (body: t.LoginRequest) => sendJson<t.SessionView>('POST', '/api/session', body),
  logOut: () => sendJson<undefined>('DELETE', '/api/session'),
};

export interface ReadingQuery {
  state: string;
  modality: string;
  site: string;
  kind: string;
  priority: string;
  mine: boolean;
  q: string;
}

export const readings = {
  list: (asked: ReadingQuery, limit: number, offset: number, signal?: AbortSignal) =>
    getJson<t.ReadingList>(`/api/readings${query({ ...asked, limit, offset })}`, signal),
  get: (reading: string, signal?: AbortSignal) => getJson<t.ReadingDetail>(`/api/readings/${id(reading)}`, signal),
  claim: (reading: string) => sendJson<t.ReadingDetail>('POST', `/api/readings/${id(reading)}/claim`),
  release: (reading: string) => sendJson<t.ReadingDetail>('POST', `/api/readings/${id(reading)}/release`),
  sendBack: (reading: string, body: t.ReasonRequest) =>
    sendJson<t.ReadingDetail>('POST', `/api/readings/${id(reading)}/send-back`, body),
  saveDraft: (reading: string, body: t.DraftRequest) =>
    sendJson<t.ReportView>('PUT', `/api/readings/${id(reading)}/draft`, body),
  submit: (reading: string) => sendJson<t.ReportView>('POST', `/api/readings/${id(reading)}/submit`),
  reject: (reading: string, body: t.ReasonRequest) =>
    sendJson<t.ReportView>('POST', `/api/readings/${id(reading)}/reject`, body),
  signing: (reading: string) => getJson<t.SigningText>(`/api/readings/${id(reading)}/signing`),
  sign: (reading: string, body: t.SignRequest) =>
    sendJson<t.ReportView>('POST', `/api/readings/${id(reading)}/sign`, body),
};

export const notices = {
  list: (signal?: AbortSignal) => getJson<t.NoticeList>('/api/notices', signal),
  read: (body: t.NoticesReadRequest) => sendJson<t.NoticeList>('POST', '/api/notices/read', body),
};

export const studies = {
  get: (study: string, signal?: AbortSignal) => getJson<t.StudyView>(`/api/studies/${id(study)}`, signal),
  origin: (study: string, signal?: AbortSignal) => getJson<t.OriginQuestionView>(`/api/studies/${id(study)}/origin`, signal),
  settleOrigin: (study: string, body: t.SettleOriginRequest) => sendJson<undefined>('POST', `/api/studies/${id(study)}/origin`, body),
};

export const reports = {
  pdfUrl: (report: string) => `/api/reports/${id(report)}/pdf`,
  templates: (asked: { modality: string; body_part: string; kind: string; study_id: string }) =>
    getJson<t.TemplateView[]>(`/api/templates${query(asked)}`),
  acknowledge: (delivery: string) => sendJson<t.DeliveryView>('POST', `/api/deliveries/${id(delivery)}/acknowledge`),
};

export const clinic = {
  studies: (asked: { q: string; limit: number; offset: number }, signal?: AbortSignal) =>
    getJson<t.ClinicList>(`/api/clinic/studies${query(asked)}`, signal),
};

const desk = '/api/admin/keeping';

export const keeping = {
  show: (signal?: AbortSignal) => getJson<t.KeepingView>(desk, signal),
  setRule: (careClass: string, body: t.RetentionRuleRequest) =>
    sendJson<t.RetentionRuleView[]>('PUT', `${desk}/rules/${id(careClass)}`, body),
  studies: (q: string, signal?: AbortSignal) => getJson<t.StandingView[]>(`${desk}/studies${query({ q })}`, signal),
  setVisit: (study: string, body: t.VisitRequest) =>
    sendJson<t.StandingView>('PUT', `${desk}/studies/${id(study)}/visit`, body),
  holds: (isWithReleased: boolean, signal?: AbortSignal) =>
    getJson<t.HoldView[]>(`${desk}/holds${query({ released: isWithReleased })}`, signal),
  seal: (study: string, body: t.HoldRequest) => sendJson<t.HoldView>('POST', `${desk}/studies/${id(study)}/holds`, body),
  release: (hold: string, body: t.ReasonRequest) => sendJson<t.HoldView>('POST', `${desk}/holds/${id(hold)}/release`, body),
  manifestUrl: (hold: string) => `${desk}/holds/${id(hold)}/manifest`,
  deletions: (signal?: AbortSignal) => getJson<t.DeletionView[]>(`${desk}/deletions`, signal),
  askDeletion: (study: string, body: t.ReasonRequest) =>
    sendJson<t.DeletionView>('POST', `${desk}/studies/${id(study)}/deletion`, body),
  approve: (deletion: string) => sendJson<t.DeletionView>('POST', `${desk}/deletions/${id(deletion)}/approve`),
  withdraw: (deletion: string, body: t.ReasonRequest) =>
    sendJson<t.DeletionView>('POST', `${desk}/deletions/${id(deletion)}/withdraw`, body),
};

const list =
  <T>(name: string) =>
  (signal?: AbortSignal) =>
    getJson<T[]>(`/api/admin/${name}`, signal);

export const admin = {
  overview: (signal?: AbortSignal) => getJson<t.Overview>('/api/admin/overview', signal),
  sites: list<t.SiteView>('sites'),
  devices: list<t.DeviceView>('devices'),
  knocks: list<t.KnockView>('knocks'),
  destinations: list<t.DestinationView>('destinations'),
  users: list<t.UserView>('users'),
  alarms: list<t.AlarmView>('alarms'),
  deliveries: list<t.DeliveryView>('deliveries'),
  commitments: list<t.CommitmentView>('commitments'),
  audit: list<t.AuditView>('audit'),
  rules: (signal?: AbortSignal) => getJson<t.RuleSetView>('/api/admin/rules', signal),
  addSite: (body: t.SiteView) => sendJson<t.SiteView>('POST', '/api/admin/sites', body),
  changeSite: (body: t.SiteView) => sendJson<t.SiteView>('PUT', `/api/admin/sites/${id(body.id)}`, body),
  addDevice: (body: t.DeviceRequest) => sendJson<t.DeviceView>('POST', '/api/admin/devices', body),
  changeDevice: (device: string, body: t.DeviceRequest) =>
    sendJson<t.DeviceView>('PUT', `/api/admin/devices/${id(device)}`, body),
  addDestination: (body: t.DestinationRequest) => sendJson<t.DestinationView>('POST', '/api/admin/destinations', body),
  changeDestination: (destination: string, body: t.DestinationRequest) =>
    sendJson<t.DestinationView>('PUT', `/api/admin/destinations/${id(destination)}`, body),
  addUser: (body: t.UserRequest) => sendJson<t.UserView>('POST', '/api/admin/users', body),
  acceptKnock: (knock: string, body: t.AcceptKnockRequest) =>
    sendJson<t.DeviceView>('POST', `/api/admin/knocks/${id(knock)}/accept`, body),
  dismissKnock: (knock: string) => sendJson<undefined>('POST', `/api/admin/knocks/${id(knock)}/dismiss`),
  acknowledgeAlarm: (alarm: string) => sendJson<undefined>('POST', `/api/admin/alarms/${id(alarm)}/acknowledge`),
  retryDelivery: (delivery: string) => sendJson<t.DeliveryView>('POST', `/api/admin/deliveries/${id(delivery)}/retry`),
  activateRules: (yaml: string) => sendText<t.RuleSetView>('/api/admin/rules', yaml, 'text/yaml'),
};

export const partners = {
  all: list<t.Hl7PartnerView>('hl7-partners'),
  add: (body: t.Hl7PartnerRequest) => sendJson<t.Hl7PartnerView>('POST', '/api/admin/hl7-partners', body),
  change: (partner: string, body: t.Hl7PartnerRequest) => sendJson<t.Hl7PartnerView>('PUT', `/api/admin/hl7-partners/${id(partner)}`, body),
};

export const origins = {
  waiting: list<t.WaitingOriginView>('origins'),
  settled: list<t.SettledOriginView>('origins/settled'),
  move: (study: string, body: t.SettleOriginRequest) => sendJson<undefined>('POST', `/api/admin/origins/${id(study)}/move`, body),
  settle: (study: string, body: t.SettleOriginRequest) => sendJson<undefined>('POST', `/api/admin/origins/${id(study)}/settle`, body),
  rules: (signal?: AbortSignal) => getJson<t.RelayRulesView>('/api/admin/relay-rules', signal),
  putRules: (body: t.RelayRulesRequest) => sendJson<t.RelayRulesView>('PUT', '/api/admin/relay-rules', body),
  tryRules: (body: t.TryRelayRulesRequest) => sendJson<t.TryRelayRulesView>('POST', '/api/admin/relay-rules/try', body),
};

export interface QuarantineQuery {
  state: string;
  reason: string;
  site: string;
  q: string;
}

export const quarantine = {
  list: (asked: QuarantineQuery, signal?: AbortSignal) =>
    getJson<t.QuarantineList>(`/api/admin/quarantine${query({ ...asked })}`, signal),
  get: (arrival: string, signal?: AbortSignal) => getJson<t.ExaminationView>(`/api/admin/quarantine/${id(arrival)}`, signal),
  decide: (arrival: string, body: t.QuarantineDecisionRequest) =>
    sendJson<t.ExaminationView>('POST', `/api/admin/quarantine/${id(arrival)}/decide`, body),
  bytesUrl: (arrival: string, which: 'first' | 'second') => `/api/admin/quarantine/${id(arrival)}/bytes?which=${which}`,
  previewUrl: (arrival: string, which: 'first' | 'second') => `/api/admin/quarantine/${id(arrival)}/preview?which=${which}`,
};

export const deviceText = {
  list: list<t.DeviceTextView>('devices-text'),
  get: (device: string, signal?: AbortSignal) => getJson<t.DeviceTextDetail>(`/api/admin/devices-text/${id(device)}`, signal),
  correct: (device: string, body: t.DeviceTextRequest) =>
    sendJson<t.DeviceTextDetail>('POST', `/api/admin/devices-text/${id(device)}/correct`, body),
  undo: (device: string, body: t.ReasonRequest) =>
    sendJson<t.DeviceTextDetail>('POST', `/api/admin/devices-text/${id(device)}/undo`, body),
};

export const orders = {
  list: (asked: { q: string; state: string; limit: number; offset: number }, signal?: AbortSignal) =>
    getJson<t.OrderList>(`/api/orders${query(asked)}`, signal),
  place: (body: t.OrderRequest) => sendJson<t.OrderView>('POST', '/api/orders', body),
  amend: (order: string, body: t.OrderRequest) => sendJson<t.OrderView>('PUT', `/api/orders/${id(order)}`, body),
  withdraw: (order: string, body: t.ReasonRequest) => sendJson<t.OrderView>('POST', `/api/orders/${id(order)}/withdraw`, body),
  unlink: (order: string, body: t.ReasonRequest) => sendJson<t.OrderView>('POST', `/api/orders/${id(order)}/unlink`, body),
  questions: (signal?: AbortSignal) => getJson<t.OpenQuestionList>('/api/order-matches', signal),
  link: (study: string, body: t.LinkRequest) => sendJson<t.OrderView>('POST', `/api/studies/${id(study)}/order`, body),
  none: (study: string, body: t.ReasonRequest) => sendJson<undefined>('POST', `/api/studies/${id(study)}/order/none`, body),
};
