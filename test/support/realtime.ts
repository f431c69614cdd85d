import assert from 'node:assert/strict';
import { WebSocket } from 'ws';
import type { EventFrame, ServerMessage, StreamPlace } from '../../src/contract/frames.ts';
import { serverMessageSchema } from '../../src/contract/frames-schema.ts';
import { sleep } from '../../src/kernel/clock.ts';

const DEADLINE_MS = 15_000;

type Kind = ServerMessage['type'];
type MessageOf<K> = Extract<ServerMessage, { type: K }>;

/** A raw client of `/v1/ws` that keeps everything it hears, and holds the server to its schemas. */
export interface RealtimeClient {
  readonly heard: readonly ServerMessage[];
  /** Event frames alone, in the order in which they came. */
  readonly events: readonly EventFrame[];
  /** Close code, once it is closed. */
  readonly closed: number | undefined;
  readonly socket: WebSocket;
  say(message: object | string): void;
  /** The first message of the kind from the `from`th that was heard on. */
  hears<K extends Kind>(kind: K, from?: number): Promise<MessageOf<K>>;
  until(holds: () => boolean, what?: string): Promise<void>;
  /** Subscribes, and answers how its streams begin. */
  subscribe(message: object): Promise<MessageOf<'subscribed'>>;
  close(): void;
}

export interface Where {
  readonly url: string;
}

/** @param token in the address; without one nothing is said */
export async function realtime(
  { url }: Where,
  token?: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<RealtimeClient> {
  const client = dial({ url }, token, headers);
  if (token !== undefined) await client.hears('welcome');
  return client;
}

export function dial(
  { url }: Where,
  token?: string,
  headers: Readonly<Record<string, string>> = {},
): RealtimeClient {
  const query = token === undefined ? '' : `?token=${encodeURIComponent(token)}`;
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/ws${query}`, { headers });
  const heard: ServerMessage[] = [];
  const events: EventFrame[] = [];
  let closed: number | undefined;
  let wrong: string | undefined;
  socket.on('message', (data) => {
    const message = JSON.parse(String(data)) as ServerMessage;
    if (!serverMessageSchema.safeParse(message).success) wrong = String(data);
    heard.push(message);
    if (message.type.includes('.')) events.push(message as EventFrame);
  });
  socket.on('close', (code) => (closed = code));
  socket.on('error', () => undefined);
  const opened = new Promise<void>((resolve) => socket.once('open', () => resolve()));
  const until = async (holds: () => boolean, what = 'it'): Promise<void> => {
    const deadline = Date.now() + DEADLINE_MS;
    while (!holds()) {
      const said = JSON.stringify(heard.slice(-5));
      assert.ok(Date.now() < deadline, `${what} did not come; ${closed}; ${said}`);
      await sleep(5);
    }
    assert.equal(wrong, undefined, 'a message is not as its schema says');
  };
  const client: RealtimeClient = {
    ...{ heard, events, socket, until },
    get closed() {
      return closed;
    },
    say(message) {
      const text = typeof message === 'string' ? message : JSON.stringify(message);
      void opened.then(() => socket.send(text));
    },
    async hears(kind, from = 0) {
      const find = () => heard.slice(from).find(({ type }) => type === kind);
      await until(() => find() !== undefined, kind);
      return find() as never;
    },
    async subscribe(message) {
      const from = heard.length;
      client.say({ type: 'subscribe', ...message });
      await until(
        () => heard.slice(from).some(({ type }) => type === 'subscribed' || type === 'error'),
        'an answer to subscribe',
      );
      return await client.hears('subscribed', from);
    },
    close: () => socket.close(),
  };
  return client;
}

/** `member` alone. */
export function ofMember(id: string) {
  return { field: 'member', eq: id };
}

/** Where the only stream of a subscription begins, as a place. */
export function placeOf({ streams }: MessageOf<'subscribed'>): StreamPlace {
  const [start] = streams;
  assert.ok(start);
  return { epoch: start.epoch, offset: start.offset };
}
