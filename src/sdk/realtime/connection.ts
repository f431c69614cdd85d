import {
  type ClientMessage,
  isEventFrame,
  type ServerMessage,
  type WelcomeFrame,
  WS_PATH,
  WS_SUBPROTOCOL,
} from '../../contract/frames.ts';
import type { SocketClass, SocketLike } from './types.ts';

/** A gateway that has much to do lets clients wait before `welcome`: longer than it ever does. */
const WELCOME_MAX_MS = 30_000;
const OPEN = 1;
/** Of ours, where no close frame came (RFC 6455 §7.1.5). */
export const LOST = 1006;

export interface ConnectionEvents {
  welcome(frame: WelcomeFrame): void;
  message(message: ServerMessage): void;
  /** Once. @param code of the close frame, or `LOST` */
  ended(code: number): void;
}

/** One socket, from its opening to its end. */
export class Connection {
  readonly #socket: SocketLike;
  readonly #events: ConnectionEvents;
  #ended = false;
  #heartbeatMs = WELCOME_MAX_MS;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #quiet: ReturnType<typeof setTimeout> | undefined;
  #isWelcome = false;

  constructor(Socket: SocketClass, origin: string, token: string, events: ConnectionEvents) {
    this.#events = events;
    const url = new URL(WS_PATH, origin);
    url.protocol = url.protocol.replace('http', 'ws');
    const socket = new Socket(url.href, [WS_SUBPROTOCOL]);
    this.#socket = socket;
    // Not in the address, which stands in logs.
    socket.addEventListener('open', () => this.send({ type: 'hello', token }));
    socket.addEventListener('message', ({ data }) => this.#hear(data));
    socket.addEventListener('error', () => this.#end(LOST));
    socket.addEventListener('close', ({ code }) => this.#end(code));
    this.#listen();
  }

  /** `false`: it went nowhere. */
  send(message: ClientMessage): boolean {
    if (this.#ended || this.#socket.readyState !== OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    if (this.#isWelcome) this.#stayHeard();
    return true;
  }

  close(): void {
    this.#end(1000);
  }

  #hear(data: unknown): void {
    if (this.#ended) return;
    this.#listen();
    const message = messageOf(data);
    if (message === undefined) return;
    if (isEventFrame(message) || message.type !== 'welcome') this.#events.message(message);
    else if (!this.#isWelcome) this.#begin(message);
  }

  #begin(welcome: WelcomeFrame): void {
    this.#isWelcome = true;
    this.#heartbeatMs = welcome.heartbeatMs;
    this.#listen();
    this.#stayHeard();
    this.#events.welcome(welcome);
  }

  /** A peer that is gone without a word is found by its silence, of two heartbeats. */
  #listen(): void {
    clearTimeout(this.#silence);
    const withinMs = this.#isWelcome ? 2 * this.#heartbeatMs : WELCOME_MAX_MS;
    this.#silence = setTimeout(() => this.#end(LOST), withinMs);
  }

  #stayHeard(): void {
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => this.send({ type: 'ping' }), 0.75 * this.#heartbeatMs);
  }

  #end(code: number): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#silence);
    clearTimeout(this.#quiet);
    try {
      this.#socket.close(1000);
    } catch {
      // Some throw where it never opened; either way it is of no use any more.
    }
    this.#events.ended(code);
  }
}

/** Whatever is no message of ours is taken as nothing: a later version may say more. */
function messageOf(data: unknown): ServerMessage | undefined {
  if (typeof data !== 'string') return undefined;
  try {
    const message: unknown = JSON.parse(data);
    const isOne = typeof message === 'object' && message !== null && 'type' in message;
    return isOne && typeof message.type === 'string' ? (message as ServerMessage) : undefined;
  } catch {
    return undefined;
  }
}
