import {
  CLIENT_MESSAGE_BYTES_MAX,
  WS_CLOSE,
  WS_PATH,
  WS_SUBPROTOCOL,
} from '../../../contract/frames.ts';
import type { Timer } from '../../../kernel/clock.ts';
import { Fault } from '../../../kernel/errors.ts';
import type { Service } from '../../../kernel/lifecycle.ts';
import type { AccessChange } from '../../../twin/ports.ts';
import { endsAllOf, principalKey } from '../../../twin/principals.ts';
import type { Connection, ConnectionHandler, Face, UpgradeRequest } from '../../ports.ts';
import { OWN_LIMITS, type OwnParts } from './parts.ts';
import { tellChange } from './presence.ts';
import { OwnSession, type Sessions } from './session.ts';

/** How often tokens and those who have not said who they are are looked at. */
const SWEEP_MS = 500;

/** Our own protocol at `/v1/ws` (docs/gateway.md). */
export class OwnFace implements Face, Service, Sessions {
  readonly name = 'own';
  readonly queueBytesMax = OWN_LIMITS.queueBytesMax;
  readonly messageBytesMax = CLIENT_MESSAGE_BYTES_MAX;
  readonly subprotocols = [WS_SUBPROTOCOL];
  readonly heartbeatMs = OWN_LIMITS.heartbeatMs;
  readonly #parts: OwnParts;
  readonly #sessions = new Set<OwnSession>();
  readonly #byPrincipal = new Map<string, number>();
  /** Sessions by the streams of whose presence they are told. */
  readonly #watching = new Map<string, Set<OwnSession>>();
  readonly #keys = new WeakMap<OwnSession, string>();
  readonly #ends: (() => void)[] = [];
  #timer: Timer | undefined;

  constructor(parts: OwnParts) {
    this.#parts = parts;
  }

  start(): Promise<void> {
    const { access, presence } = this.#parts;
    this.#ends.push(
      access.onChange((change) => this.#accessChanged(change)),
      presence.onChange((change) => {
        for (const session of this.#watching.get(change.channel) ?? []) tellChange(session, change);
      }),
    );
    this.#sweepLater();
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#timer?.cancel();
    for (const end of this.#ends.splice(0)) end();
    return Promise.resolve();
  }

  serves(path: string): boolean {
    return path === WS_PATH;
  }

  open(connection: Connection, { query, rawHeaders }: UpgradeRequest): ConnectionHandler {
    const session = new OwnSession(this.#parts, this, connection);
    this.#sessions.add(session);
    const token = query.get('token') ?? bearer(rawHeaders);
    if (token !== undefined) void session.enter(token);
    return session;
  }

  entered(session: OwnSession): void {
    const key = principalKey(session.principal);
    const count = this.#byPrincipal.get(key) ?? 0;
    if (count >= OWN_LIMITS.connectionsPerPrincipal) {
      throw new Fault('RATE_LIMITED', { detail: 'Too many open connections of one principal.' });
    }
    this.#byPrincipal.set(key, count + 1);
    this.#keys.set(session, key);
  }

  left(session: OwnSession): void {
    this.#sessions.delete(session);
    const key = this.#keys.get(session);
    if (key === undefined) return;
    const count = (this.#byPrincipal.get(key) ?? 1) - 1;
    if (count > 0) this.#byPrincipal.set(key, count);
    else this.#byPrincipal.delete(key);
  }

  watches(session: OwnSession, stream: string, does: boolean): void {
    const own = this.#watching.get(stream) ?? new Set();
    if (does) this.#watching.set(stream, own.add(session));
    else if (own.delete(session) && own.size === 0) this.#watching.delete(stream);
  }

  #accessChanged(change: AccessChange): void {
    if (change.kind !== 'token' && change.kind !== 'client') return;
    for (const session of this.#sessions) {
      if (session.isKnown && endsAllOf(change, session.principal)) session.unauthorized('revoked');
    }
  }

  #sweepLater(): void {
    this.#timer = this.#parts.clock.after(SWEEP_MS, () => {
      this.#sweep();
      this.#sweepLater();
    });
  }

  #sweep(): void {
    const { clock } = this.#parts;
    const [now, since] = [clock.now(), clock.monotonic()];
    for (const session of this.#sessions) {
      if (!session.isKnown) {
        const isLate = since - session.openedAt > OWN_LIMITS.helloMs;
        if (isLate && !session.isEntering) session.connection.close(WS_CLOSE.silent, 'no hello');
        continue;
      }
      const leftMs = session.principal.expiresAtMs - now;
      if (leftMs <= 0 && session.refreshing === 0) session.unauthorized('token expired');
      else if (leftMs <= OWN_LIMITS.expiringMs && !session.warned) session.tokenExpiring();
    }
  }
}

/** For clients that can set a header; browsers cannot. */
function bearer(rawHeaders: readonly string[]): string | undefined {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() !== 'authorization') continue;
    return /^Bearer (?<token>[\x21-\x7e]+)$/i.exec(rawHeaders[index + 1] ?? '')?.groups?.token;
  }
  return undefined;
}
