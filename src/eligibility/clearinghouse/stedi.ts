import type { Clock } from '../../kernel/clock.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { objectOf, objectsOf, stringOf, stringsOf } from '../../twin/fhir/elements.ts';
import type { Question } from '../model.ts';
import type {
  BatchClearinghouse,
  BatchProgress,
  BatchResult,
  CheckOptions,
  Clearinghouse,
  Outcome,
  ResultPage,
  Submitted,
} from '../ports.ts';
import { legacyBody, plansBody } from '../stedi/requests.ts';
import { encode270 } from '../x12/encode.ts';
import { ask, type HttpSettings } from './http.ts';
import { fieldsOf, outcomeOf, outcomeOfItem, parsed } from './outcome.ts';

export const ENDPOINTS = ['2026-06-01', '2024-04-01', 'x12'] as const;
export type Endpoint = (typeof ENDPOINTS)[number];

export interface StediSettings {
  readonly apiKey: string;
  readonly clock: Clock;
  /** Which of its interfaces is asked; 2026-06-01, since the other JSON one gets corrections only. */
  readonly endpoint?: Endpoint;
  /** One address for all three hosts: a simulator's. */
  readonly url?: string | undefined;
  /** The clearinghouse's time-out and skew, milliseconds; smaller only where time is compressed. */
  readonly timeoutMs?: number;
}

/** It answers within 90 s, with 504 at the latest; 5 s for the way. */
export const TIMEOUT_MS = 95_000;
/** Of what answers at once: submit, poll, look-ups. */
const QUICK_MS = 60_000;
const PAGE_SIZE = 200;
/** Pages that are looked through for a batch whose submission was not acknowledged. */
const FIND_PAGES_MAX = 600;

/** Statuses that speak about the items. */
const REFUSALS: ReadonlySet<number> = new Set([400, 413, 422]);

const HOSTS = {
  health: 'https://healthcare.us.stedi.com',
  manager: 'https://manager.us.stedi.com',
  payers: 'https://payers.us.stedi.com',
};
const ELIGIBILITY = '/2024-04-01/change/medicalnetwork/eligibility/v3';
const MANAGER = '/2024-04-01/eligibility-manager';

/** One payer of the clearinghouse's own list. */
export interface ListedPayer {
  readonly id: string;
  readonly name: string;
  readonly aliases: readonly string[];
  /** Whether it answers eligibility checks. */
  readonly canCheck: boolean;
}

/**
 * The clearinghouse Stedi over HTTP: its JSON interfaces of 2024-04-01 and 2026-06-01, raw X12,
 * batches and payers. Holds the key; nothing of it, of questions or of answers is ever logged.
 */
export class Stedi implements Clearinghouse, BatchClearinghouse {
  readonly timeoutMs: number;
  readonly #http: HttpSettings;
  readonly #quick: HttpSettings;
  readonly #settings: StediSettings;

  constructor(settings: StediSettings) {
    const { apiKey, timeoutMs = TIMEOUT_MS } = settings;
    this.timeoutMs = timeoutMs;
    this.#settings = settings;
    this.#http = { apiKey, timeoutMs };
    this.#quick = { apiKey, timeoutMs: Math.min(QUICK_MS, timeoutMs) };
  }

  async check(question: Question, { signal }: CheckOptions = {}): Promise<Outcome> {
    const { path, body } = this.#requestOf(question);
    return outcomeOf(await ask(this.#http, this.#url('health', path), { body, signal }));
  }

  #requestOf(question: Question): { path: string; body: JsonObject } {
    const { endpoint = '2026-06-01', apiKey, clock } = this.#settings;
    if (endpoint === '2024-04-01') return { path: ELIGIBILITY, body: legacyBody(question) };
    if (endpoint === '2026-06-01') {
      return { path: '/2026-06-01/eligibility-check', body: plansBody(question) };
    }
    const at = clock.now();
    const usage = apiKey.startsWith('test_') ? 'T' : 'P';
    const x12 = encode270(question, { number: (at % 999_999_998) + 1, at, usage });
    return { path: `${ELIGIBILITY}/raw-x12`, body: { x12 } };
  }

  async submit(name: string, items: readonly Question[]): Promise<Submitted> {
    const url = this.#url('manager', `${MANAGER}/batch-eligibility`);
    const listed = items.map((item) => ({
      ...legacyBody(item),
      submitterTransactionIdentifier: item.reference ?? '',
    }));
    const reply = await ask(this.#quick, url, { body: { name, items: listed } });
    if (reply.kind === 'none') return { kind: 'unavailable' };
    const json = parsed(reply.text) ?? {};
    const batchId = stringOf(json.batchId);
    if (batchId !== undefined) return { kind: 'submitted', batchId };
    if (reply.status === 409) return { kind: 'exists' };
    // What is wrong with the key or the address is wrong with no item.
    if (!REFUSALS.has(reply.status)) return { kind: 'unavailable' };
    return { kind: 'refused', fields: fieldsOf(json) };
  }

  /** There is no look-up by name: results of that time name their batch. */
  async find(name: string, since: number): Promise<string | undefined> {
    let token: string | undefined;
    for (let page = 0; page < FIND_PAGES_MAX; page += 1) {
      const json = await this.#poll({ startDateTime: new Date(since).toISOString() }, token);
      const items = objectsOf(json?.items);
      const found = items.find(({ batchName }) => batchName === name);
      if (found !== undefined) return stringOf(found.batchId);
      token = stringOf(json?.nextPageToken);
      if (token === undefined) return undefined;
    }
    return undefined;
  }

  async results(batchId: string, token: string | undefined): Promise<ResultPage | undefined> {
    const json = await this.#poll({ batchId }, token);
    if (json === undefined) return undefined;
    const results = objectsOf(json.items).flatMap((item): BatchResult[] => {
      const reference = stringOf(item.submitterTransactionIdentifier);
      return reference === undefined ? [] : [{ reference, outcome: outcomeOfItem(item) }];
    });
    const next = stringOf(json.nextPageToken);
    return { results, ...(next !== undefined && { next }) };
  }

  async #poll(of: Readonly<Record<string, string>>, token: string | undefined) {
    const url = this.#url('manager', `${MANAGER}/polling/batch-eligibility`);
    const query = { ...of, pageSize: String(PAGE_SIZE), ...(token && { pageToken: token }) };
    url.search = new URLSearchParams(query).toString();
    return this.#get(url);
  }

  async progress(batchId: string): Promise<BatchProgress | undefined> {
    const json = await this.#get(
      this.#url('manager', `${MANAGER}/batch/${encodeURIComponent(batchId)}`),
    );
    const total = json?.totalCount;
    if (json === undefined || typeof total !== 'number') return undefined;
    const done = [json.successCount, json.errorCount, json.validationFailedCount]
      .filter((count) => typeof count === 'number')
      .reduce((sum, count) => sum + count, 0);
    return { total, done, isComplete: /^COMPLETED/.test(stringOf(json.status) ?? '') };
  }

  /** The clearinghouse's own, fuzzy search; for people who look for an id, never for a check. */
  async searchPayers(query: string): Promise<ListedPayer[] | undefined> {
    const url = this.#url('payers', '/2024-04-01/payers/search');
    url.search = new URLSearchParams({ query, pageSize: '20' }).toString();
    const json = await this.#get(url);
    return json === undefined
      ? undefined
      : objectsOf(json.items).flatMap((item) => listedOf(objectOf(item.payer)));
  }

  async #get(url: URL): Promise<JsonObject | undefined> {
    const reply = await ask(this.#quick, url);
    return reply.kind === 'reply' && reply.status === 200 ? parsed(reply.text) : undefined;
  }

  #url(host: keyof typeof HOSTS, path: string): URL {
    return new URL(path, this.#settings.url ?? HOSTS[host]);
  }
}

function listedOf(payer: JsonObject): ListedPayer[] {
  const id = stringOf(payer.primaryPayerId);
  const name = stringOf(payer.displayName);
  if (id === undefined || name === undefined) return [];
  const can = stringOf(objectOf(payer.transactionSupport).eligibilityCheck);
  const canCheck = can === 'SUPPORTED' || can === 'ENROLLMENT_REQUIRED';
  return [{ id, name, aliases: stringsOf(payer.aliases), canCheck }];
}
