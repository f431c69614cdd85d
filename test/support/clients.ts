import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as StdioTransportV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as HttpTransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  ElicitRequestSchema,
  ResourceUpdatedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { sleep } from '../../src/kernel/clock.ts';
import { LAUNCHER } from './server.ts';

export interface ReadResult {
  readonly contents: readonly { readonly uri: string; readonly text?: string }[];
  readonly ttlMs?: number;
  readonly cacheScope?: string;
  readonly _meta?: Readonly<Record<string, unknown>>;
}

export interface Told {
  readonly uri: string;
  readonly meta: Readonly<Record<string, unknown>>;
}

/** One real client of any era and transport, as the tests use it. */
export interface TestClient {
  readonly name: string;
  read(uri: string, meta?: Readonly<Record<string, unknown>>): Promise<ReadResult>;
  list(cursor?: string): Promise<{ resources: { uri: string }[]; nextCursor?: string }>;
  call(tool: string, args: Readonly<Record<string, unknown>>): Promise<ToolResult>;
  /** Subscribes; answers the URIs that were granted. */
  subscribe(uris: readonly string[]): Promise<string[]>;
  readonly told: readonly Told[];
  /** Waits until `count` notifications have come. */
  heard(count: number, withinMs?: number): Promise<void>;
  close(): Promise<void>;
}

export interface ToolResult {
  readonly isError?: boolean;
  readonly content: readonly { readonly type: string; readonly text?: string }[];
  readonly structuredContent?: Readonly<Record<string, unknown>>;
  readonly _meta?: Readonly<Record<string, unknown>>;
}

export type Connect = (target: Target) => Promise<TestClient>;

export interface Target {
  readonly url: string;
  readonly token: string;
  readonly dataDir: string;
  readonly as: string;
  /** Whoever sits before the client; without them it declares that it takes no forms. */
  readonly person?: Person;
}

/** What a form asks for, and what is said to it. */
export type Person = (form: Form) => Reply | Promise<Reply>;
export interface Form {
  readonly message: string;
  readonly requestedSchema: { readonly properties: Readonly<Record<string, unknown>> };
}
export type Reply = {
  action: 'accept' | 'decline' | 'cancel';
  content?: Record<string, string>;
};

const INFO = { name: 'twin-test', version: '1.0.0' };
const HEARD_WITHIN_MS = 8_000;

/** Every way in which the main job is proven. */
export const CLIENTS: Readonly<Record<string, Connect>> = {
  'SDK 2.x over HTTP, 2026-07-28': (target) => modern(httpTransport(target), target),
  'SDK 2.x over HTTP, 2025 session': (target) => legacyV2(httpTransport(target), target),
  'SDK 1.x over HTTP, 2025 session': (target) => v1(httpTransportV1(target), target),
  'SDK 2.x over stdio, 2026-07-28': (target) =>
    modern(new StdioClientTransport(bridge(target)), target),
  'SDK 1.x over stdio, 2025 era': (target) => v1(new StdioTransportV1(bridge(target)), target),
};

function httpTransport({ url, token }: Target): StreamableHTTPClientTransport {
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  return new StreamableHTTPClientTransport(new URL('/mcp', url), { requestInit });
}

function httpTransportV1({ url, token }: Target): HttpTransportV1 {
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  return new HttpTransportV1(new URL('/mcp', url), { requestInit });
}

function bridge({ dataDir, as }: Target) {
  const args = [LAUNCHER, 'stdio', '--as', as, '--data-dir', dataDir];
  return { command: process.execPath, args, stderr: 'inherit' as const };
}

async function modern(
  transport: StreamableHTTPClientTransport | StdioClientTransport,
  { person }: Target,
): Promise<TestClient> {
  const versionNegotiation = { mode: { pin: '2026-07-28' } };
  const client = new Client(INFO, { versionNegotiation, capabilities: taking(person) });
  if (person)
    client.setRequestHandler('elicitation/create', ({ params }) => person(params as Form));
  const told = listenTo(client);
  await client.connect(transport);
  return {
    ...verbsOf('2026-07-28', client, told),
    async subscribe(uris) {
      const subscription = await client.listen({ resourceSubscriptions: [...uris] });
      return subscription.honoredFilter.resourceSubscriptions ?? [];
    },
  };
}

async function legacyV2(
  transport: StreamableHTTPClientTransport,
  { person }: Target,
): Promise<TestClient> {
  const client = new Client(INFO, { capabilities: taking(person) });
  if (person)
    client.setRequestHandler('elicitation/create', ({ params }) => person(params as Form));
  const told = listenTo(client);
  await client.connect(transport);
  return {
    ...verbsOf('2025 by SDK 2.x', client, told),
    subscribe: (uris) => subscribeEach(uris, (uri) => client.subscribeResource({ uri })),
  };
}

function taking(person: Person | undefined) {
  return person === undefined ? {} : { elicitation: {} };
}

function listenTo(client: Client): Told[] {
  const told: Told[] = [];
  client.setNotificationHandler('notifications/resources/updated', ({ params }) => {
    told.push({ uri: params.uri, meta: params._meta ?? {} });
  });
  return told;
}

async function v1(
  transport: HttpTransportV1 | StdioTransportV1,
  { person }: Target,
): Promise<TestClient> {
  const client = new ClientV1(INFO, { capabilities: taking(person) });
  if (person)
    client.setRequestHandler(ElicitRequestSchema, async ({ params }) => ({
      ...(await person(params as Form)),
    }));
  const told: Told[] = [];
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
    told.push({ uri: params.uri, meta: params._meta ?? {} });
  });
  // The 1.x transport's optional members are not typed for exactOptionalPropertyTypes.
  await client.connect(transport as Parameters<ClientV1['connect']>[0]);
  return {
    ...verbsOf('SDK 1.x', client, told),
    subscribe: (uris) => subscribeEach(uris, (uri) => client.subscribeResource({ uri })),
  };
}

async function subscribeEach(
  uris: readonly string[],
  subscribe: (uri: string) => Promise<unknown>,
): Promise<string[]> {
  const granted: string[] = [];
  for (const uri of uris) {
    await subscribe(uri).then(
      () => granted.push(uri),
      () => undefined,
    );
  }
  return granted;
}

function verbsOf(
  name: string,
  client: Client | ClientV1,
  told: Told[],
): Omit<TestClient, 'subscribe'> {
  return {
    name,
    told,
    read: (uri, meta) => {
      const params = { uri, ...(meta !== undefined && { _meta: { ...meta } }) };
      // The 2.x client holds what it read for ttlMs; these tests ask the server.
      return client instanceof Client
        ? (client.readResource(params, { cacheMode: 'bypass' }) as Promise<ReadResult>)
        : (client.readResource(params) as Promise<ReadResult>);
    },
    list: (cursor) =>
      client.listResources(cursor === undefined ? {} : { cursor }) as ReturnType<
        TestClient['list']
      >,
    call: (tool, args) =>
      client.callTool({ name: tool, arguments: { ...args } }) as Promise<ToolResult>,
    async heard(count, withinMs = HEARD_WITHIN_MS) {
      const deadline = Date.now() + withinMs;
      while (told.length < count) {
        if (Date.now() > deadline) throw new Error(`${name}: told ${told.length}, not ${count}`);
        await sleep(10);
      }
    },
    close: () => client.close(),
  };
}
