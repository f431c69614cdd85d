import { connect, type Socket } from 'node:net';

/** A peer that ended without a close frame (RFC 6455 §7.1.5). */
export const LOST = 1006;

export interface RawEvents {
  open(): void;
  text(message: string): void;
  /** Once, also where it never opened. */
  closed(code: number): void;
}

const TEXT = 0x1;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;
/** Sixteen bytes in base64; nobody needs them to differ here (RFC 6455 §4.1). */
const KEY = 'AAAAAAAAAAAAAAAAAAAAAA==';

/**
 * A WebSocket client that does no more than a load generator needs, so that it is not what is
 * measured: whole text frames, pings answered, nothing masked (a key of zeros), nothing checked.
 */
export class RawSocket {
  readonly #socket: Socket;
  readonly #events: RawEvents;
  #rest: Buffer = Buffer.alloc(0);
  #isOpen = false;
  #code = LOST;

  constructor(url: string, localAddress: string, events: RawEvents) {
    const { hostname, port, pathname, search } = new URL(url);
    this.#events = events;
    this.#socket = connect({ host: hostname, port: Number(port), localAddress, noDelay: true });
    this.#socket.once('connect', () => {
      this.#socket.write(
        `GET ${pathname}${search} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\n` +
          `Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`,
      );
    });
    this.#socket.on('data', (bytes) => this.#take(bytes));
    this.#socket.on('error', () => undefined);
    this.#socket.once('end', () => this.#socket.destroy());
    this.#socket.once('close', () => events.closed(this.#code));
  }

  send(text: string): void {
    this.#frame(TEXT, Buffer.from(text));
  }

  /** A close frame; the server ends the connection. */
  close(): void {
    this.#code = 1000;
    this.#frame(CLOSE, Buffer.from([0x03, 0xe8]));
  }

  /** As where a network is gone: no frame, a reset. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  #frame(opcode: number, payload: Buffer): void {
    if (this.#socket.destroyed) return;
    const head = payload.length < 126 ? Buffer.alloc(6) : Buffer.alloc(8);
    head[0] = 0x80 | opcode;
    if (payload.length < 126) head[1] = 0x80 | payload.length;
    else {
      head[1] = 0x80 | 126;
      head.writeUInt16BE(payload.length, 2);
    }
    this.#socket.write(Buffer.concat([head, payload]));
  }

  #take(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    if (!this.#isOpen && !this.#opened()) return;
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) {
      const { opcode, payload } = frame;
      if (opcode === TEXT) this.#events.text(payload.toString());
      else if (opcode === PING) this.#frame(PONG, payload);
      else if (opcode === CLOSE) {
        this.#code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
        this.#frame(CLOSE, payload);
        this.#socket.end();
      }
    }
  }

  #opened(): boolean {
    const end = this.#rest.indexOf('\r\n\r\n');
    if (end < 0) return false;
    if (!this.#rest.subarray(0, 12).equals(Buffer.from('HTTP/1.1 101'))) {
      this.#socket.destroy();
      return false;
    }
    this.#rest = this.#rest.subarray(end + 4);
    this.#isOpen = true;
    this.#events.open();
    return true;
  }

  #next(): { opcode: number; payload: Buffer } | undefined {
    const bytes = this.#rest;
    if (bytes.length < 2) return undefined;
    const [first = 0, short = 0] = bytes;
    const long = short === 126 ? 2 : short === 127 ? 8 : 0;
    if (bytes.length < 2 + long) return undefined;
    const length =
      long === 0 ? short : long === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    const from = 2 + long;
    if (bytes.length < from + length) return undefined;
    this.#rest = bytes.subarray(from + length);
    return { opcode: first & 0xf, payload: bytes.subarray(from, from + length) };
  }
}

/** `bind()` looks for a port in one address for longer and longer (realtime.md §7). */
const ALIASES = 30;

export function aliasOf(index: number): string {
  return `127.0.0.${2 + (index % ALIASES)}`;
}
