import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Socket, SocketEvents } from '../ports.ts';

/** The port of a socket over the library `ws`. */
export class WsSocket implements Socket {
  readonly #ws: WebSocket;
  /** Beneath it: what is corked leaves in one write. */
  readonly #stream: Duplex;

  constructor(ws: WebSocket, stream: Duplex) {
    this.#ws = ws;
    this.#stream = stream;
  }

  listen(events: SocketEvents): void {
    const ws = this.#ws;
    ws.on('message', (data, isBinary) => {
      events.alive();
      if (isBinary) events.binary();
      else events.text(textOf(data));
    });
    ws.on('ping', () => events.alive());
    ws.on('pong', (token) => {
      events.alive();
      events.pong(token.toString('latin1'));
    });
    // A protocol error or a message too large: `ws` closes with its code, and `close` follows.
    ws.on('error', ignored);
    ws.on('close', (code) => events.closed(code));
  }

  get bufferedBytes(): number {
    return this.#ws.bufferedAmount;
  }

  get isOpen(): boolean {
    return this.#ws.readyState === this.#ws.OPEN;
  }

  send(messages: readonly string[], taken: () => void): void {
    const last = messages.length - 1;
    this.#stream.cork();
    for (const [index, message] of messages.entries()) {
      this.#ws.send(message, index === last ? taken : undefined);
    }
    this.#stream.uncork();
  }

  ping(token?: string): void {
    if (this.isOpen) this.#ws.ping(token);
  }

  close(code: number, reason: string): void {
    this.#ws.close(code, reason);
  }

  terminate(): void {
    this.#ws.terminate();
  }

  pause(): void {
    this.#ws.pause();
  }

  resume(): void {
    this.#ws.resume();
  }
}

function ignored(): void {}

/** `ws` gives text as the bytes of it, whose UTF-8 it has checked. */
function textOf(data: Buffer | ArrayBuffer | Buffer[]): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString('utf8');
  return Buffer.isBuffer(data) ? data.toString('utf8') : Buffer.from(data).toString('utf8');
}
