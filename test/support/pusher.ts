import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import Pusher from 'pusher';
import { WebSocket } from 'ws';
import { sleep } from '../../src/kernel/clock.ts';
import { type ServerOptions, startServer, type TestServer } from './server.ts';

/** One app of the demo's tenant, as an operator sets it. */
export const APP = {
  ...{ id: 'one', key: 'one-key', secret: 'secret-of-app-one-24-char', tenant: 'demo' },
};
/** Of another tenant. */
export const OTHER_APP = {
  ...{ id: 'two', key: 'two-key', secret: 'secret-of-app-two-24-char', tenant: 'elsewhere' },
};

/** Versions of pusher-js that apps have shipped. */
export const SDK_VERSIONS = {
  '8.6': 'pusher-js',
  '7.6': 'pusher-js-7',
  '6.0': 'pusher-js-6',
  '5.1': 'pusher-js-5',
  '4.4': 'pusher-js-4',
} as const;
export type SdkVersion = keyof typeof SDK_VERSIONS;

/** What all of them have. */
export interface SdkChannel {
  readonly name: string;
  readonly subscribed: boolean;
  readonly members?: {
    readonly count: number;
    readonly me: { readonly id: string; readonly info: unknown } | null;
    get(id: string): { readonly id: string; readonly info: unknown } | null;
  };
  bind(event: string, told: (data: unknown, more?: { user_id?: string }) => void): void;
  bind_global(told: (event: string, data: unknown) => void): void;
  trigger(event: string, data: unknown): boolean;
}

export interface SdkClient {
  readonly connection: {
    readonly state: string;
    readonly socket_id: string;
    bind(event: string, told: (data: unknown) => void): void;
  };
  subscribe(channel: string): SdkChannel;
  unsubscribe(channel: string): void;
  channel(name: string): SdkChannel | undefined;
  disconnect(): void;
  /** From 7.1 on. */
  signin?(): void;
  readonly user?: { bind(event: string, told: (data: unknown) => void): void };
}

type SdkConstructor = new (key: string, options: object) => SdkClient;

const require = createRequire(import.meta.url);

/** SDKs that have disconnected leave timers behind, which would keep the process for half a minute. */
const LONG_MS = 20_000;
const startTimer = globalThis.setTimeout;
globalThis.setTimeout = Object.assign(
  (task: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
    const timer = startTimer(task, ms, ...args);
    return (ms ?? 0) >= LONG_MS ? timer.unref() : timer;
  },
  { __promisify__: startTimer.__promisify__ },
) as typeof setTimeout;

export function sdk(version: SdkVersion): SdkConstructor {
  const loaded = require(SDK_VERSIONS[version]) as
    | SdkConstructor
    | { readonly default: SdkConstructor };
  return 'default' in loaded ? loaded.default : loaded;
}

/** A server whose gateway has the two apps. */
export function startPusher(options: ServerOptions = {}): Promise<TestServer> {
  const apps = JSON.stringify([APP, OTHER_APP]);
  return startServer({ ...options, env: { PUSHER_APPS: apps, ...options.env } });
}

/** Pusher's own library, as a company's servers use it. */
export function backend(server: Pick<TestServer, 'url'>, app: typeof APP = APP): Pusher {
  const { hostname: host, port } = new URL(server.url);
  const { id: appId, key, secret } = app;
  const encryptionMasterKeyBase64 = Buffer.alloc(32, 'of these tests').toString('base64');
  return new Pusher({ appId, key, secret, host, port, useTLS: false, encryptionMasterKeyBase64 });
}

/**
 * The authorization endpoint of a company, for its app's own channels: signed by Pusher's library, as
 * whoever the form's `user` says.
 */
export async function startOwnEndpoint(server: Pick<TestServer, 'url'>): Promise<{
  readonly url: string;
  readonly asked: number;
  stop(): void;
}> {
  const signing = backend(server);
  let asked = 0;
  const http: Server = createServer(async (req, res) => {
    asked += 1;
    const form = new URLSearchParams(Buffer.concat(await req.toArray()).toString());
    const [socket = '', channel] = [form.get('socket_id') ?? '', form.get('channel_name')];
    // pusher-js sends fields of the app's; the Java SDK has only the address.
    const user = form.get('user') ?? (req.url ?? '').split('user=')[1] ?? 'nobody';
    const answer =
      channel === null
        ? signing.authenticateUser(socket, { id: user })
        : channel.startsWith('presence-')
          ? signing.authorizeChannel(socket, channel, { user_id: user, user_info: { name: user } })
          : signing.authorizeChannel(socket, channel);
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/auth`,
    get asked() {
      return asked;
    },
    stop: () => void http.close(),
  };
}

export interface ConnectOptions {
  readonly version?: SdkVersion;
  readonly app?: typeof APP;
  /** Of the company; ours by default, with this token. */
  readonly endpoint?: string;
  readonly userEndpoint?: string;
  readonly token?: string;
  /** More fields of its form. */
  readonly params?: Readonly<Record<string, string>>;
  /** Another way to the server. */
  readonly port?: number;
}

/** A stock client, and everything that it was told. */
export interface Connected {
  readonly client: SdkClient;
  readonly states: string[];
  /** `channel event data` of what its channels told. */
  readonly heard: Heard[];
  subscribe(channel: string): SdkChannel;
  /** Subscribes, and resolves once it is subscribed. */
  join(channel: string): Promise<SdkChannel>;
  /** Names of what a channel told, without the SDK's own. */
  events(channel: string): string[];
}

export interface Heard {
  readonly channel: string;
  readonly event: string;
  readonly data: unknown;
  readonly at: number;
}

export async function connect(
  server: Pick<TestServer, 'url'>,
  options: ConnectOptions = {},
): Promise<Connected> {
  const connected = open(server, options);
  await until(() => connected.client.connection.state === 'connected', 'connected');
  return connected;
}

/** The same without waiting. */
export function open(server: Pick<TestServer, 'url'>, options: ConnectOptions): Connected {
  const { version = '8.6', app = APP, params = {} } = options;
  const url = new URL(server.url);
  const endpoint = options.endpoint ?? `${server.url}/v1/realtime/auth`;
  const userEndpoint = options.userEndpoint ?? `${server.url}/v1/realtime/user-auth`;
  const headers: Record<string, string> =
    options.token === undefined ? {} : { Authorization: `Bearer ${options.token}` };
  const Sdk = sdk(version);
  const client = new Sdk(app.key, {
    ...{ cluster: '', wsHost: '127.0.0.1', wsPort: options.port ?? Number(url.port) },
    ...{ httpHost: '127.0.0.1', httpPort: Number(url.port), forceTLS: false },
    ...{ enabledTransports: ['ws'], disableStats: true, enableStats: false },
    ...{ authEndpoint: endpoint, authTransport: 'ajax', auth: { headers, params } },
    userAuthentication: { endpoint: userEndpoint, transport: 'ajax', headers, params },
  });
  const states: string[] = [];
  const heard: Heard[] = [];
  client.connection.bind('state_change', (change) => {
    states.push((change as { current: string }).current);
  });
  const bound = new Set<SdkChannel>();
  const subscribe = (name: string): SdkChannel => {
    const channel = client.subscribe(name);
    if (!bound.has(channel)) {
      bound.add(channel);
      channel.bind_global((event, data) => {
        heard.push({ channel: name, event, data, at: performance.now() });
      });
    }
    return channel;
  };
  return {
    ...{ client, states, heard, subscribe },
    async join(name) {
      const channel = subscribe(name);
      await until(() => channel.subscribed, `subscribed to ${name}`);
      return channel;
    },
    events: (name) =>
      heard
        .filter(({ channel, event }) => channel === name && !event.startsWith('pusher'))
        .map(({ event }) => event),
  };
}

/** Looks until it is so. */
export async function until(
  is: () => boolean | Promise<boolean>,
  what: string,
  withinMs = 30_000,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await is())) {
    if (performance.now() > deadline) throw new Error(`not so in time: ${what}`);
    await sleep(10);
  }
}

/** A WebSocket that says what it is told to, well-formed or not. */
export interface RawClient {
  readonly heard: { readonly event: string; readonly channel?: string; readonly data: unknown }[];
  readonly closedWith: number | undefined;
  /** Given with the connection. */
  socketId(): Promise<string>;
  say(frame: object | string | Uint8Array): void;
  ping(): void;
  /** Resolves with the first of this name that was not taken yet. */
  next(event: string): Promise<{ readonly data: unknown; readonly channel?: string }>;
  closed(): Promise<number>;
  end(): void;
}

export const PROTOCOL_7 = 'protocol=7&client=test&version=1.0';

export function rawClient(
  server: Pick<TestServer, 'url'>,
  path = `/app/${APP.key}?${PROTOCOL_7}`,
): RawClient {
  const socket = new WebSocket(server.url.replace('http', 'ws') + path);
  const heard: { event: string; channel?: string; data: unknown }[] = [];
  let taken = 0;
  let code: number | undefined;
  socket.on('error', () => undefined);
  socket.on('message', (text) => heard.push(JSON.parse(String(text)) as (typeof heard)[number]));
  socket.on('close', (closedWith) => {
    code = closedWith;
  });
  const next = async (event: string) => {
    const found = () => heard.findIndex((one, index) => index >= taken && one.event === event);
    await until(() => found() >= 0 || code !== undefined, event);
    const index = found();
    if (index < 0) throw new Error(`closed with ${code} before ${event}`);
    taken = index + 1;
    return heard[index] as (typeof heard)[number];
  };
  return {
    heard,
    get closedWith() {
      return code;
    },
    async socketId() {
      const { data } = await next('pusher:connection_established');
      return (JSON.parse(String(data)) as { socket_id: string }).socket_id;
    },
    say(frame) {
      const isBytes = typeof frame === 'string' || frame instanceof Uint8Array;
      socket.send(isBytes ? frame : JSON.stringify(frame));
    },
    ping: () => socket.ping(),
    next,
    async closed() {
      await until(() => code !== undefined, 'closed');
      return code ?? 0;
    },
    end: () => socket.terminate(),
  };
}
