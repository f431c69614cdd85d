import type { Clock, Timer } from '../../../kernel/clock.ts';
import { Fault } from '../../../kernel/errors.ts';
import type { AccessChange, AuditEntry, Principal } from '../../../twin/ports.ts';
import type { GatewayMetrics } from '../../metrics.ts';
import { NOT_COUNTED } from '../../metrics.ts';
import type { Connection, ConnectionHandler, GatewayEvent, Sending } from '../../ports.ts';
import { MemoryPresence } from '../../presence/memory-presence.ts';
import { MemoryRegistry } from '../../presence/memory-registry.ts';
import { GatewayHub } from '../../streams/hub.ts';
import { MemoryLog } from '../../streams/memory-log.ts';
import { createApps, type PusherApp } from './apps.ts';
import { PusherFace } from './face.ts';
import { createGrants, type Grant } from './grants.ts';
import type { PusherParts, WebhookEvent } from './parts.ts';
import { MemoryResume } from './resume.ts';
import { signChannel, signUser } from './signatures.ts';

export const APP: PusherApp = {
  ...{ id: 'app', key: 'key', secret: 'secret', tenant: 'demo' },
  ...{ webhooks: ['https://hooks.example.org/x'], subscriptionCount: true },
};
/** Of another tenant. */
export const OTHER_APP: PusherApp = {
  ...{ ...APP, id: 'other', key: 'other-key', secret: 'other-secret', tenant: 'other' },
};

const START = Date.parse('2026-11-30T12:00:00Z');

/** Time that passes when it is told to. */
export class ManualClock implements Clock {
  #now = START;
  #timers = new Set<{ at: number; task: () => void }>();

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now - START + 1_000;
  }

  after(delayMs: number, task: () => void): Timer {
    const timer = { at: this.#now + Math.max(delayMs, 0), task };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** What is due on the way runs in its order, with what follows from it. */
  async pass(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (;;) {
      await settled();
      const due = [...this.#timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
      const [first] = due;
      if (first === undefined) break;
      this.#timers.delete(first);
      this.#now = Math.max(this.#now, first.at);
      first.task();
    }
    this.#now = until;
    await settled();
  }
}

/** Everything that follows from what was done has been done. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await new Promise(setImmediate);
}

let sockets = 0;

/** A socket whose client keeps what it hears. */
export class FakeConnection implements Connection {
  readonly id: string;
  readonly heard: Record<string, unknown>[] = [];
  readonly pings: string[] = [];
  closedWith: number | undefined;
  queuedBytes = 0;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    sockets += 1;
    this.id = `7.${sockets}`;
    this.#clock = clock;
  }

  get isOpen(): boolean {
    return this.closedWith === undefined;
  }

  get heardAt(): number {
    return this.#clock.monotonic();
  }

  send(message: string, _how?: Sending): boolean {
    if (this.isOpen) this.heard.push(JSON.parse(message) as Record<string, unknown>);
    return this.isOpen;
  }

  purge(): number {
    return 0;
  }

  close(code: number): void {
    this.closedWith ??= code;
  }

  terminate(): void {
    this.closedWith ??= 1006;
  }

  ping(token = ''): void {
    this.pings.push(token);
  }
}

/** A client of the face, without a network. */
export interface FakeClient {
  readonly connection: FakeConnection;
  readonly handler: ConnectionHandler;
  say(event: string, data?: unknown, channel?: string): Promise<void>;
  /** Events since the last time, by name; `pusher:` alone where nothing else is asked. */
  take(): string[];
  /** The last of this name, its data parsed where it is text. */
  last(event: string): Record<string, unknown>;
  count(event: string): number;
  subscribe(channel: string, more?: SubscribeMore): Promise<void>;
  gone(): Promise<void>;
}

export interface SubscribeMore {
  readonly channelData?: string;
  readonly auth?: string;
  /** Seals a grant for the member's channel. */
  readonly grant?: Partial<Grant> & { readonly principal?: Principal };
  /** Beside the grant. */
  readonly user?: string;
}

export function principal(subject = 'ana', more: Partial<Principal> = {}): Principal {
  return {
    ...{ kind: 'user', subject, tenant: 'demo', clientId: 'app', issuer: 'https://issuer' },
    ...{ tokenId: `token-${subject}`, expiresAtMs: START + 3_600_000 },
    scopes: new Set(['twin:read', 'twin:subscribe']),
    ...more,
  };
}

export class World {
  readonly clock = new ManualClock();
  readonly log = new MemoryLog({ clock: this.clock });
  readonly resume = new MemoryResume(this.clock);
  readonly audit: AuditEntry[] = [];
  readonly told: WebhookEvent[] = [];
  readonly dropped: string[] = [];
  readonly faults: unknown[] = [];
  /** Who may read which member; whoever is on no list may nothing. */
  readonly readers = new Map([['ana', new Set(['ana', 'eve'])]]);
  accessAway = false;
  readonly face: PusherFace;
  readonly hub: GatewayHub;
  readonly parts: PusherParts;
  readonly #accessListeners = new Set<(change: AccessChange) => void>();
  readonly grants = createGrants([new Uint8Array(32)]);

  constructor(more: Partial<PusherParts> = {}) {
    const { clock, log } = this;
    const access = {
      onChange: (listener: (change: AccessChange) => void) => {
        this.#accessListeners.add(listener);
        return () => this.#accessListeners.delete(listener);
      },
    };
    const metrics: GatewayMetrics = {
      ...NOT_COUNTED,
      dropped: (why) => void this.dropped.push(why),
    };
    const report = (error: unknown) => void this.faults.push(error);
    const rights = this.#rights();
    const hubParts = { log, rights, ready: () => undefined, access, clock, metrics, report };
    this.hub = new GatewayHub(hubParts);
    this.parts = {
      ...{ hub: this.hub, log, rights, access, clock, metrics, report, grants: this.grants },
      apps: createApps([APP, OTHER_APP]),
      presence: new MemoryPresence({ clock }),
      registry: new MemoryRegistry(),
      admission: { admit: () => Promise.resolve(true) },
      resume: this.resume,
      secret: new Uint8Array(32),
      audit: {
        append: (entry) => {
          this.audit.push(entry);
          return Promise.resolve();
        },
      },
      webhooks: { tell: (_app, event) => void this.told.push(event) },
      ...more,
    };
    this.face = new PusherFace(this.parts);
  }

  async start(): Promise<this> {
    await this.hub.start();
    await this.face.start();
    return this;
  }

  #rights() {
    const may = ({ subject }: Principal, uri: string): boolean => {
      const [, member = ''] = /^mcp:\/\/twins\/member\/([^/]+)\//.exec(uri) ?? [];
      return this.readers.get(member)?.has(subject) === true;
    };
    const asked = <T>(answer: T): Promise<T> =>
      this.accessAway ? Promise.reject(new Fault('ACCESS_UNAVAILABLE')) : Promise.resolve(answer);
    return {
      readable: (who: Principal, uris: readonly string[]) => asked(uris.map((u) => may(who, u))),
      mayKnow: (who: Principal, events: readonly GatewayEvent[]) =>
        asked(
          events.map(({ tenant, needs }) => {
            return tenant === who.tenant && (needs === undefined || may(who, needs));
          }),
        ),
      asked: () => Promise.resolve(),
      withheld: () => Promise.resolve(),
      told: () => Promise.resolve(),
    };
  }

  changed(change: AccessChange): void {
    for (const listener of this.#accessListeners) listener(change);
  }

  /** @param query without `protocol`: that of pusher-js */
  async connect(
    query = 'protocol=7&client=js&version=8.6.0&flash=false',
    path = '/app/key',
    app: PusherApp = APP,
  ): Promise<FakeClient> {
    const connection = new FakeConnection(this.clock);
    const handler = this.face.open(connection, {
      ...{ path, query: new URLSearchParams(query), rawHeaders: [], remoteAddress: '10.0.0.1' },
    });
    await settled();
    return this.#client(connection, handler, app);
  }

  #client(connection: FakeConnection, handler: ConnectionHandler, app: PusherApp): FakeClient {
    let taken = 0;
    const say = async (event: string, data?: unknown, channel?: string): Promise<void> => {
      handler.text(JSON.stringify({ event, data, channel }));
      await settled();
    };
    return {
      connection,
      handler,
      say,
      take() {
        const fresh = connection.heard.slice(taken);
        taken = connection.heard.length;
        return fresh.map(({ event }) => String(event));
      },
      last(event) {
        const found = connection.heard.findLast((one) => one.event === event);
        if (found === undefined) throw new Error(`${event} was not heard`);
        const { data } = found;
        return { ...found, data: typeof data === 'string' ? JSON.parse(data) : data };
      },
      count: (event) => connection.heard.filter((one) => one.event === event).length,
      subscribe: (channel, more = {}) =>
        say('pusher:subscribe', this.authorized(app, connection.id, channel, more)),
      async gone() {
        connection.closedWith ??= 1006;
        handler.closed();
        await settled();
      },
    };
  }

  authorized(app: PusherApp, socketId: string, channel: string, more: SubscribeMore): object {
    const { grant, user } = more;
    let { channelData } = more;
    if (grant !== undefined) {
      const bound = { appKey: app.key, socketId, channel };
      const issuedAtMs = this.clock.now();
      const given = { principal: principal(), session: 's', issuedAtMs, ...grant };
      const sealed = this.grants.seal(bound, given);
      channelData = JSON.stringify({ user_id: user ?? 'ana', grant: sealed });
    }
    const isPublic = !/^(private|presence)-/.test(channel);
    const auth = isPublic ? '' : signChannel(app, socketId, channel, channelData);
    return {
      channel,
      auth: more.auth ?? auth,
      ...(channelData !== undefined && { channel_data: channelData }),
    };
  }

  signIn(client: FakeClient, id: string, app: PusherApp = APP): Promise<void> {
    const userData = JSON.stringify({ id });
    const auth = signUser(app, client.connection.id, userData);
    return client.say('pusher:signin', { auth, user_data: userData });
  }

  /** An event of a member's stream, as the log's consumer appends it. */
  async publish(type: string, more: Partial<GatewayEvent> = {}): Promise<void> {
    const member = more.member ?? 'ana';
    this.#events += 1;
    const id = `${type}-${this.#events}`;
    const needs = `mcp://twins/member/${member}/care`;
    const time = new Date(this.clock.now()).toISOString();
    const event = { id, type, topic: 'call-notifications', tenant: 'demo', needs, time } as const;
    await this.hub.publish(`member:${member}`, { ...event, member, ...more }, [id]);
    await settled();
  }

  #events = 0;
}
