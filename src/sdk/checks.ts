import type { BrokerStatus, CheckAnswer, CheckBody, CheckReport } from '../contract/eligibility.ts';
import type { PlainHttp } from './http.ts';

/** Eligibility checks: an answer at once, and the rest by whatever one is subscribed to. */
export interface Checks {
  /** What is known within the mode, or a check that is under way. */
  ask(body: CheckBody): Promise<CheckAnswer>;
  report(checkId: string): Promise<CheckReport>;
  /** Slots and queues, for operators. */
  status(): Promise<BrokerStatus>;
}

const PATH = '/v1/eligibility/checks';
const JSON_TYPE = { 'content-type': 'application/json' };

export function checksOf(http: PlainHttp): Checks {
  return {
    ask: (body) => http.post(PATH, {}, JSON.stringify(body), JSON_TYPE),
    report: (checkId) => http.get(`${PATH}/${encodeURIComponent(checkId)}`),
    status: () => http.get('/v1/eligibility/status'),
  };
}
