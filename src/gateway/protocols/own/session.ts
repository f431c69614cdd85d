import {
  type AckMessage,
  type ClientMessage,
  PROTOCOL_VERSION,
  type ServerMessage,
  SUBSCRIPTION_BOUNDS,
  type SubscribeMessage,
  WS_CLOSE,
} from '../../../contract/frames.ts';
import { clientMessageSchema } from '../../../contract/frames-schema.ts';
import { missingScopes } from '../../../contract/scopes.ts';
import { asFault, Fault } from '../../../kernel/errors.ts';
import type { Principal } from '../../../twin/ports.ts';
import { principalKey } from '../../../twin/principals.ts';
import type { Connection, ConnectionHandler } from '../../ports.ts';
import type { Known } from './known.ts';
import { OWN_LIMITS, type OwnParts } from './parts.ts';
import { joinedPresence, tellPresent } from './presence.ts';
import { subscribe } from './subscribe.ts';
import type { OwnSubscription } from './subscription.ts';

/** How a session tells the face that it is known, or gone. */
export interface Sessions {
  /** @throws Fault RATE_LIMITED past the connections of one principal */
  entered(session: OwnSession): void;
  left(session: OwnSession): void;
  /** Whether changes of who is present at a stream concern the session. */
  watches(session: OwnSession, stream: string, does: boolean): void;
}

/** One connection of our own protocol, from its first message on. */
export class OwnSession implements ConnectionHandler, Known {
  readonly connection: Connection;
  readonly codes = {
    comeAgain: WS_CLOSE.comeAgain,
    slow: WS_CLOSE.slow,
    silent: WS_CLOSE.silent,
  };
  readonly subscriptions = new Map<string, OwnSubscription>();
  /** Members where the caller is present by this connection. */
  readonly present = new Set<string>();
  readonly parts: OwnParts;
  readonly openedAt: number;
  warned = false;
  refreshing = 0;
  #principal: Principal | undefined;
  #entering = false;
  #early: ClientMessage[] = [];
  /** Messages that may still come; earned with time. */
  #credit: number = OWN_LIMITS.messagesAtOnce;
  #creditedAt: number;
  readonly #sessions: Sessions;

  constructor(parts: OwnParts, sessions: Sessions, connection: Connection) {
    this.parts = parts;
    this.#sessions = sessions;
    this.connection = connection;
    this.openedAt = parts.clock.monotonic();
    this.#creditedAt = this.openedAt;
  }

  /** Known once it was let in; never absent where something is subscribed. */
  get principal(): Principal {
    return this.#principal as Principal;
  }

  get isKnown(): boolean {
    return this.#principal !== undefined;
  }

  /** A token has come and is waiting for its turn, or being looked at. */
  get isEntering(): boolean {
    return this.#entering;
  }

  send(message: ServerMessage): void {
    this.connection.send(JSON.stringify(message));
  }

  /** In its turn, and then as who it is. */
  async enter(token: string): Promise<void> {
    this.#entering = true;
    const { admission, authenticate, report } = this.parts;
    try {
      if (!(await admission.admit(this.connection, OWN_LIMITS.parkedMs))) {
        this.connection.close(WS_CLOSE.comeAgain, 'come again');
        return;
      }
      const principal = await authenticate(token);
      if (!this.connection.isOpen) return;
      this.#principal = principal;
      this.#sessions.entered(this);
      this.send({
        type: 'welcome',
        protocol: PROTOCOL_VERSION,
        connection: this.connection.id,
        heartbeatMs: OWN_LIMITS.heartbeatMs,
        tokenExpiresAt: iso(principal.expiresAtMs),
      });
      for (const message of this.#early.splice(0)) this.#handle(message);
    } catch (error) {
      this.#refused(asFault(error));
      if (asFault(error).code === 'INTERNAL') report(error);
    }
  }

  #refused(fault: Fault): void {
    const isTooMany = fault.code === 'RATE_LIMITED';
    if (!isTooMany) this.parts.metrics.authFailure();
    this.send({ type: 'error', code: fault.code, message: fault.message });
    const code = isTooMany ? WS_CLOSE.tooMany : WS_CLOSE.unauthorized;
    const isAway = fault.row.retry === 'later' && !isTooMany;
    this.connection.close(isAway ? WS_CLOSE.comeAgain : code, fault.code.toLowerCase());
  }

  text(raw: string): void {
    if (!this.#mayGoOn()) return;
    const message = parsed(raw);
    if (message === undefined) {
      this.error(new Fault('INVALID_REQUEST'), undefined);
      this.connection.close(WS_CLOSE.malformed, 'malformed');
      return;
    }
    if (this.isKnown) this.#handle(message);
    else if (message.type === 'hello' && !this.#entering) void this.enter(message.token);
    else if (this.#entering && this.#early.length < OWN_LIMITS.earlyMessages) {
      this.#early.push(message);
    } else this.connection.close(WS_CLOSE.unauthorized, 'hello first');
  }

  #mayGoOn(): boolean {
    const now = this.parts.clock.monotonic();
    const earned = ((now - this.#creditedAt) * OWN_LIMITS.messagesPerSecond) / 1_000;
    this.#credit = Math.min(this.#credit + earned, OWN_LIMITS.messagesAtOnce) - 1;
    this.#creditedAt = now;
    if (this.#credit >= 0) return true;
    this.connection.close(WS_CLOSE.tooMany, 'too many messages');
    return false;
  }

  binary(): void {
    this.connection.close(WS_CLOSE.malformed, 'no binary messages');
  }

  #handle(message: ClientMessage): void {
    const id = 'id' in message ? message.id : undefined;
    this.#handled(message).catch((error: unknown) => {
      const fault = asFault(error);
      if (fault.code === 'INTERNAL') this.parts.report(error);
      this.error(fault, id);
    });
  }

  /** Refused: said, and the connection goes on. */
  error(fault: Fault, id: string | undefined): void {
    const said = { type: 'error', code: fault.code, message: fault.message } as const;
    this.send({ ...said, ...(id !== undefined && { id }) });
  }

  async #handled(message: ClientMessage): Promise<void> {
    switch (message.type) {
      case 'hello':
        throw new Fault('INVALID_REQUEST', { detail: 'hello comes once, first.' });
      case 'subscribe':
        return await this.#subscribe(message);
      case 'unsubscribe':
        return this.#unsubscribe(message.id);
      case 'refresh':
        return await this.#refresh(message.token);
      case 'ack':
        return this.#acked(message);
      case 'ping':
        return this.send({ type: 'pong', ...(message.id !== undefined && { id: message.id }) });
      case 'presence':
        return await joinedPresence(this, message.member, message.action);
    }
  }

  async #subscribe(message: SubscribeMessage): Promise<void> {
    if (this.subscriptions.has(message.id)) {
      throw new Fault('CONFLICT', { detail: 'There is a subscription of this id.' });
    }
    if (this.subscriptions.size >= SUBSCRIPTION_BOUNDS.subscriptions) {
      throw new Fault('RATE_LIMITED', { detail: 'Too many subscriptions of one connection.' });
    }
    await subscribe(this, message);
    if (!message.topics.includes('presence')) return;
    const streams = this.subscriptions.get(message.id)?.streams ?? [];
    for (const stream of streams) this.#sessions.watches(this, stream, true);
    await tellPresent(this, message.id);
  }

  #unsubscribe(id: string): void {
    if (!this.#drop(id)) throw new Fault('NOT_FOUND');
    this.send({ type: 'unsubscribed', id, reason: 'asked' });
  }

  #drop(id: string): boolean {
    const subscription = this.subscriptions.get(id);
    if (subscription === undefined) return false;
    this.subscriptions.delete(id);
    this.parts.hub.unsubscribe(subscription);
    for (const stream of subscription.streams) {
      this.unregister(stream);
      if (!this.#watchesStill(stream)) this.#sessions.watches(this, stream, false);
    }
    return true;
  }

  #watchesStill(stream: string): boolean {
    return [...this.subscriptions.values()].some(
      ({ topics, streams }) => topics.has('presence') && streams.has(stream),
    );
  }

  /** Nothing of it may be read any more. */
  ended(id: string): void {
    this.#drop(id);
  }

  /** The registry names a member's connections once, however many subscriptions they have. */
  register(stream: string): void {
    const key = memberKey(stream);
    if (key === undefined) return;
    this.parts.registry.add(key, this.connection.id).catch(this.parts.report);
  }

  unregister(stream: string): void {
    const key = memberKey(stream);
    const isLeft = [...this.subscriptions.values()].some(({ streams }) => streams.has(stream));
    if (key === undefined || isLeft) return;
    this.parts.registry.remove(key, this.connection.id).catch(this.parts.report);
  }

  /** The token behind is another one; whose it is stays the same. */
  async #refresh(token: string): Promise<void> {
    this.refreshing += 1;
    try {
      const renewed = await this.parts.authenticate(token);
      if (principalKey(renewed) !== principalKey(this.principal)) {
        this.parts.metrics.authFailure();
        throw new Fault('INVALID_ARGUMENT', {
          detail: 'The token is of another subject, client or tenant.',
        });
      }
      this.#principal = renewed;
      this.warned = false;
      this.#renewed();
      this.send({ type: 'refreshed', tokenExpiresAt: iso(renewed.expiresAtMs) });
    } finally {
      this.refreshing -= 1;
    }
  }

  /** What the new token may not hold ends; the rest is asked for anew. */
  #renewed(): void {
    const may = missingScopes(this.principal.scopes, 'subscribe').length === 0;
    for (const [id, subscription] of [...this.subscriptions]) {
      if (may) this.parts.hub.renewed(subscription);
      else if (this.#drop(id)) this.send({ type: 'unsubscribed', id, reason: 'revoked' });
    }
  }

  /** How long it took until the client had handled it: offsets are times, in microseconds. */
  #acked({ stream, offset }: AckMessage): void {
    const known = [...this.subscriptions.values()].some(({ streams }) => streams.has(stream));
    if (!known) throw new Fault('NOT_FOUND');
    const seconds = this.parts.clock.now() / 1_000 - offset / 1_000_000;
    if (seconds >= 0) this.parts.metrics.acked(seconds);
  }

  tokenExpiring(): void {
    this.warned = true;
    this.send({ type: 'token_expiring', at: iso(this.principal.expiresAtMs) });
  }

  comeAgain(): void {
    this.connection.close(WS_CLOSE.comeAgain, 'come again');
  }

  unauthorized(reason: string): void {
    this.connection.close(WS_CLOSE.unauthorized, reason);
  }

  draining(withinMs: number): void {
    this.send({ type: 'draining', withinMs });
  }

  closed(): void {
    const { presence, report } = this.parts;
    for (const id of [...this.subscriptions.keys()]) this.#drop(id);
    for (const member of this.present) {
      presence.leave(`member:${member}`, this.connection.id).catch(report);
    }
    this.#sessions.left(this);
  }
}

function memberKey(stream: string): `member:${string}` | undefined {
  return stream.startsWith('member:') ? (stream as `member:${string}`) : undefined;
}

function parsed(raw: string): ClientMessage | undefined {
  try {
    const { success, data } = clientMessageSchema.safeParse(JSON.parse(raw));
    return success ? (data as ClientMessage) : undefined;
  } catch {
    return undefined;
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
