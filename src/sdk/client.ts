import type { Client } from '@modelcontextprotocol/client';
import type { AccessReview, DisclosurePage } from '../contract/audit/reports.ts';
import type {
  BreakGlassBanner,
  BreakGlassCase,
  BreakGlassFilter,
  BreakGlassOpened,
  BreakGlassPage,
  BreakGlassReason,
  ReviewOutcome,
} from '../contract/break-glass.ts';
import type {
  ChangesPage,
  ChatInput,
  ChatResult,
  Document,
  ReadDocumentInput,
  ReadDocumentResult,
  SearchInput,
  SearchResult,
} from '../contract/documents.ts';
import { META } from '../contract/meta.ts';
import type { ComparisonReport, RolloutStatus } from '../contract/rollout.ts';
import { type Batches, batchesOf } from './batches.ts';
import { type ChangesOptions, changesOf } from './changes.ts';
import { type Checks, checksOf } from './checks.ts';
import { asTwinError, errorOfToolText } from './errors.ts';
import { createFetch, type Fetch, PlainHttp, type TokenSource } from './http.ts';
import { connector, shared } from './mcp.ts';
import { TwinError } from './twin-error.ts';
import type * as t from './types.ts';
import { type Watched, type WatchOptions, watch } from './watch.ts';

export interface TwinClientOptions {
  /** The server's origin, e.g. `http://localhost:3333`. */
  readonly url: string;
  readonly token: TokenSource;
  readonly fetch?: Fetch;
  /** Name of the application, told to the server. */
  readonly name?: string;
  /** Told with each answer of MCP that is given while the glass is broken: show it to the person. */
  readonly onBreakGlass?: (banners: readonly BreakGlassBanner[]) => void;
}

/** Every method throws `TwinError`. */
export interface TwinClient {
  read(uri: string, options?: t.ReadOptions): Promise<t.ReadAnswer>;
  search(input: SearchInput): Promise<SearchResult>;
  readDocument(input: ReadDocumentInput): Promise<ReadDocumentResult>;
  chat(input: ChatInput): Promise<ChatResult>;
  /** One page of what the caller may read. */
  list(cursor?: string): Promise<t.ListPage>;
  /** Tells of changes until the signal aborts, across restarts of the server. */
  watch(
    uris: readonly string[],
    onChange: (change: Watched) => void,
    options?: WatchOptions,
  ): Promise<void>;
  /** Pages of the change feed that say something, by long poll, across restarts of the server. */
  changes(options?: ChangesOptions): AsyncIterable<ChangesPage>;
  /**
   * A FHIR bundle, a resource, or lines of either. A transaction, or a single resource, is accepted
   * or refused whole with `REFUSED_INPUT`; of the rest each entry is decided by itself. While the
   * log is away it is `held`: durable, and to be read once the log has it.
   */
  importBundle(
    bundle: string | Uint8Array<ArrayBuffer>,
    options: t.ImportOptions,
  ): Promise<t.ImportReceipt | t.HeldReceipt>;
  /** What waits for what it refers to, and what was refused within 30 days. */
  held(): Promise<t.HeldRecords>;
  members(text: string): Promise<readonly t.FoundMember[]>;
  readonly relations: {
    write(changes: readonly t.RelationChange[]): Promise<{ readonly zedToken: string }>;
    list(filter: t.RelationFilter): Promise<readonly string[]>;
  };
  explain(
    subject: string,
    permission: string,
    object: string,
    more?: t.ExplainWith,
  ): Promise<t.Explanation>;
  auditVerify(): Promise<t.AuditProof>;
  /** For a privacy officer of the caller's tenant. */
  readonly audit: {
    /** FHIR AuditEvents, one a line, oldest first. */
    events(query: t.AuditPeriod & { readonly member?: string }): AsyncIterable<string>;
    /** Rows and hashes, one a line: what an auditor verifies without the server. */
    rows(): AsyncIterable<string>;
    checkpoints(): Promise<readonly string[]>;
    disclosures(
      member: string,
      query?: t.AuditPeriod & { readonly cursor?: string },
    ): Promise<DisclosurePage>;
    review(period?: t.AuditPeriod): Promise<AccessReview>;
  };
  /** Whom this person lets act for them. */
  readonly agents: {
    list(): Promise<readonly t.TrustedAgent[]>;
    trust(
      agent: string,
      sections: readonly t.Trust[],
      until?: string,
    ): Promise<readonly t.TrustedAgent[]>;
    /** Of one section, or of all that it is trusted with. */
    untrust(agent: string, section?: t.Trust): Promise<readonly t.TrustedAgent[]>;
  };
  /** Clients that are closed for this tenant. */
  readonly suspensions: {
    list(): Promise<readonly string[]>;
    suspend(client: string): Promise<readonly string[]>;
    resume(client: string): Promise<readonly string[]>;
  };
  readonly flags: {
    list(): Promise<t.FlagStates>;
    set(name: string, value: string): Promise<t.FlagStates>;
  };
  /** Copies of the view, from which new instances start. */
  readonly snapshots: {
    create(): Promise<t.Snapshot>;
    list(): Promise<readonly t.Snapshot[]>;
  };
  /** Legal holds, forgetting, retention, backups: for admins of the organization. */
  readonly keeping: {
    holds(): Promise<readonly t.Hold[]>;
    hold(member: string, reason: string): Promise<t.Hold>;
    release(member: string, reason: string): Promise<void>;
    /** Cannot be undone. Again for the same members: ends what was not ended. */
    forget(members: readonly string[]): Promise<t.Forgotten>;
    allowAgain(member: string): Promise<void>;
    retain(dryRun: boolean): Promise<t.RetentionReport>;
    backup(): Promise<t.BackupMade>;
  };
  /** One record in an emergency: its person's, and the review of privacy officers. */
  readonly breakGlass: {
    open(asked: {
      readonly member: string;
      readonly reason: BreakGlassReason;
      readonly text: string;
      readonly minutes?: number;
    }): Promise<BreakGlassOpened>;
    /** The caller's own that are open; with a filter, as officer, those of all. */
    list(filter?: BreakGlassFilter, cursor?: string): Promise<BreakGlassPage>;
    end(id: string): Promise<BreakGlassCase>;
    review(id: string, outcome: ReviewOutcome, text?: string): Promise<BreakGlassCase>;
  };
  /** How the move from Pusher stands: for admins of the organization. */
  readonly rollout: {
    status(): Promise<RolloutStatus>;
    compared(report: ComparisonReport): Promise<void>;
  };
  readonly checks: Checks;
  /** Files of eligibility checks. */
  readonly batches: Batches;
  /** Records without the 18 identifiers of Safe Harbor, a JSON text each. */
  deidentified(members?: readonly string[]): AsyncIterable<string>;
  /** What consumers could not handle. */
  readonly deadLetters: {
    list(topic?: string): Promise<t.DeadLetterList>;
    show(id: string): Promise<t.DeadLetterShown>;
    settle(id: string, as: 'retry' | 'discard'): Promise<void>;
  };
  /** One bounded step: repeat it with `next` until there is none. */
  replay(request: t.ReplayRequest): Promise<t.ReplayStep>;
  close(): Promise<void>;
}

const JSON_TYPE = { 'content-type': 'application/json' };

/** A client of one server, for browser and Node. Connects at its first use. */
export function createTwinClient(options: TwinClientOptions): TwinClient {
  const fetch = createFetch(options.token, options.fetch ?? globalThis.fetch.bind(globalThis));
  const http = new PlainHttp(options.url, fetch);
  const connect = connector(options.url, fetch, options.name ?? 'digital-twin-sdk');
  const mcp = shared(connect);
  const verbs = verbsOf(mcp.client, bannersTo(options.onBreakGlass));
  const page = (cursor: string, wait = 0, signal?: AbortSignal): Promise<ChangesPage> =>
    http.get('/v1/changes', { cursor, ...(wait > 0 && { wait: String(wait) }) }, signal);
  return {
    ...verbs,
    changes: (feed = {}) => changesOf(page, feed),
    watch: (uris, onChange, watchOptions = {}) => {
      const stateOf = async (uri: string) => {
        const { etag, position } = (await verbs.read(uri)).document;
        return { etag, position };
      };
      return watch({ connect, changes: page, stateOf }, uris, onChange, watchOptions);
    },
    importBundle(bundle, { source, idempotencyKey, format = 'json', dryRun, tenant }) {
      const query = { source, tenant, dryRun: dryRun === true ? 'true' : undefined };
      return http.post('/v1/sources', query, bundle, {
        'content-type': `application/fhir+${format}`,
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
      });
    },
    held: () => http.get('/v1/sources/waiting'),
    members: async (text) =>
      (await http.get<{ members: t.FoundMember[] }>('/v1/members', { text })).members,
    relations: {
      write: (list) => http.post('/v1/relations', {}, JSON.stringify({ changes: list }), JSON_TYPE),
      list: async ({ type, id, relation }) => {
        const query = { type, id, relation };
        return (await http.get<{ relationships: string[] }>('/v1/relations', query)).relationships;
      },
    },
    rollout: rolloutOf(http),
    explain: (subject, permission, object, more = {}) =>
      http.get('/v1/explain', { subject, permission, object, ...more }),
    auditVerify: () => http.get('/v1/audit/verify'),
    audit: {
      events: (query) => http.lines('/v1/audit/events', { ...query }),
      rows: () => http.lines('/v1/audit/rows', {}),
      checkpoints: async () =>
        (await http.get<{ checkpoints: string[] }>('/v1/audit/checkpoints')).checkpoints,
      disclosures: (member, query = {}) =>
        http.get(`/v1/audit/disclosures/${encodeURIComponent(member)}`, { ...query }),
      review: (period = {}) => http.get('/v1/audit/review', { ...period }),
    },
    agents: {
      list: async () => (await http.get<Agents>('/v1/agents')).agents,
      trust: async (agent, sections, until) => {
        const body = JSON.stringify({ sections, until });
        return (await http.put<Agents>(agentPath(agent), {}, body, JSON_TYPE)).agents;
      },
      untrust: async (agent, section) =>
        (await http.delete<Agents>(agentPath(agent), { section })).agents,
    },
    suspensions: {
      list: async () => (await http.get<Clients>('/v1/suspensions')).clients,
      suspend: async (client) =>
        (await http.put<Clients>(suspensionPath(client), {}, '', {})).clients,
      resume: async (client) => (await http.delete<Clients>(suspensionPath(client), {})).clients,
    },
    flags: {
      list: () => http.get('/v1/flags'),
      set: (name, value) => http.post('/v1/flags', {}, JSON.stringify({ name, value }), JSON_TYPE),
    },
    snapshots: {
      create: () => http.post('/v1/snapshots', {}, '', {}),
      list: async () => (await http.get<{ snapshots: t.Snapshot[] }>('/v1/snapshots')).snapshots,
    },
    keeping: keepingOf(http),
    breakGlass: breakGlassOf(http),
    checks: checksOf(http),
    batches: batchesOf(http),
    deidentified: (members) => http.lines('/v1/deidentified', { members: members?.join(',') }),
    deadLetters: {
      list: (topic) => http.get('/v1/dlq', { topic }),
      show: (id) => http.get(`/v1/dlq/${encodeURIComponent(id)}`),
      settle: async (id, as) => {
        await http.post(`/v1/dlq/${encodeURIComponent(id)}/${as}`, {}, '', {});
      },
    },
    replay: (request) => http.post('/v1/replays', {}, JSON.stringify(request), JSON_TYPE),
    close: mcp.close,
  };
}

function rolloutOf(http: PlainHttp): TwinClient['rollout'] {
  return {
    status: () => http.get('/v1/realtime/rollout'),
    compared: async (report) => {
      await http.post('/v1/realtime/comparisons', {}, JSON.stringify(report), JSON_TYPE);
    },
  };
}

function keepingOf(http: PlainHttp): TwinClient['keeping'] {
  const post = <T>(path: string, body: object): Promise<T> =>
    http.post<T>(path, {}, JSON.stringify(body), JSON_TYPE);
  return {
    holds: async () => (await http.get<{ holds: t.Hold[] }>('/v1/holds')).holds,
    hold: (member, reason) => post('/v1/holds', { member, reason }),
    release: async (member, reason) => void (await post('/v1/holds/release', { member, reason })),
    forget: (members) => post('/v1/forget', { members, confirm: 'forget' }),
    allowAgain: async (member) => void (await post('/v1/forget/allow', { member })),
    retain: (dryRun) => post('/v1/retention', { dryRun }),
    backup: () => post('/v1/backups', {}),
  };
}

function breakGlassOf(http: PlainHttp): TwinClient['breakGlass'] {
  const path = '/v1/break-glass';
  const post = <T>(to: string, body: object): Promise<T> =>
    http.post<T>(to, {}, JSON.stringify(body), JSON_TYPE);
  return {
    open: (asked) => post(path, asked),
    list: (filter, cursor) => http.get(path, { filter, cursor }),
    end: (id) => post(`${path}/${encodeURIComponent(id)}/end`, {}),
    review: (id, outcome, text) =>
      post(`${path}/${encodeURIComponent(id)}/review`, { outcome, text }),
  };
}

type Agents = { readonly agents: readonly t.TrustedAgent[] };
type Clients = { readonly clients: readonly string[] };

function agentPath(agent: string): string {
  return `/v1/agents/${encodeURIComponent(agent)}`;
}

function suspensionPath(client: string): string {
  return `/v1/suspensions/${encodeURIComponent(client)}`;
}

type Verbs = Pick<TwinClient, 'read' | 'search' | 'readDocument' | 'chat' | 'list'>;

type Meta = { readonly _meta?: Readonly<Record<string, unknown>> | undefined };

function bannersTo(tell: TwinClientOptions['onBreakGlass']) {
  return ({ _meta: meta }: Meta): void => {
    const banners = meta?.[META.breakGlass];
    if (Array.isArray(banners) && banners.length > 0) tell?.(banners as BreakGlassBanner[]);
  };
}

function verbsOf(client: () => Promise<Client>, onAnswer: (answer: Meta) => void): Verbs {
  const ask = async <T>(question: (connected: Client) => Promise<T>): Promise<T> => {
    try {
      return await question(await client());
    } catch (error) {
      throw asTwinError(error);
    }
  };
  const tool = <T>(name: string, input: object): Promise<T> =>
    ask(async (connected) => {
      const params = { name, arguments: { ...input } };
      const result = await connected.request({ method: 'tools/call', params });
      const text = result.content.find((part) => part.type === 'text')?.text ?? '';
      if (result.isError === true) throw errorOfToolText(text, result._meta?.[META.correlationId]);
      if (result.structuredContent === undefined) throw new TwinError('INTERNAL');
      onAnswer(result);
      return result.structuredContent as T;
    });
  return {
    search: (input) => tool('search', input),
    readDocument: (input) => tool('readDocument', input),
    chat: (input) => tool('chat', input),
    read: (uri, options = {}) => ask((connected) => read(connected, uri, options, onAnswer)),
    list: (cursor) =>
      ask(async (connected) => {
        const params = cursor === undefined ? {} : { cursor };
        const page = await connected.request({ method: 'resources/list', params });
        onAnswer(page);
        const resources = page.resources.map(({ uri, name, title }) => ({
          uri,
          name,
          ...(title !== undefined && { title }),
        }));
        return { resources, ...(page.nextCursor !== undefined && { next: page.nextCursor }) };
      }),
  };
}

/** Past the SDK's cache: whoever reads after a notification wants what it told of. */
async function read(
  client: Client,
  uri: string,
  { minPosition, allowBehind }: t.ReadOptions,
  onAnswer: (answer: Meta) => void,
): Promise<t.ReadAnswer> {
  const meta = {
    ...(minPosition !== undefined && { [META.minPosition]: minPosition }),
    ...(allowBehind !== undefined && { [META.allowBehind]: allowBehind }),
  };
  const result = await client.readResource({ uri, _meta: meta }, { cacheMode: 'bypass' });
  onAnswer(result);
  const content = result.contents[0];
  if (content === undefined || !('text' in content)) throw new TwinError('INTERNAL');
  return {
    document: JSON.parse(content.text) as Document,
    ttlMs: typeof result.ttlMs === 'number' ? result.ttlMs : 0,
    behind: result._meta?.[META.behind] === true,
  };
}
