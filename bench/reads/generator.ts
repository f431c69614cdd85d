/**
 * The load: MCP reads over keep-alive connections, one request at a time each, written as bytes and
 * read by their content length, so that the generator costs as little as may be. A process of its
 * own; it prints one line of JSON.
 */

import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';

/** What `bench/reads.ts` hands over as a file named by the only argument. */
export interface Load {
  readonly host: string;
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  /** Requests as they go over the wire, whole; `ID_MARK` in one is a number of its own each time. */
  readonly requests: readonly string[];
  /** Which request comes when; repeated. */
  readonly order: readonly number[];
  /** Requests a second, on a schedule of their own; 0: as fast as they are answered. */
  readonly rate: number;
}

export interface Loaded {
  readonly requests: number;
  readonly failed: number;
  readonly seconds: number;
  /** CPU of this process, seconds. */
  readonly cpuSeconds: number;
  /** Milliseconds, sorted; of a schedule from the time at which each was due. */
  readonly latencies: readonly number[];
}

/** In place of a JSON-RPC id: a session of the 2025 era takes no two of one id at a time. */
const ID_MARK = '9000000';
const LATENCIES_MAX = 200_000;
const HEAD_END = Buffer.from('\r\n\r\n');

const load = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Load;
const wire = load.requests.map((text) => Buffer.from(text, 'latin1'));
const marks = wire.map((bytes) => bytes.lastIndexOf(ID_MARK));
const latencies: number[] = [];
let sent = 0;
let done = 0;
let failed = 0;

const began = performance.now();
const until = began + load.seconds * 1_000;
const cpuBegan = process.cpuUsage();
await Promise.all(Array.from({ length: load.connections }, (_, index) => run(index)));
const { user, system } = process.cpuUsage(cpuBegan);
const result: Loaded = {
  requests: done,
  failed,
  seconds: (performance.now() - began) / 1_000,
  cpuSeconds: (user + system) / 1e6,
  latencies: latencies.sort((a, b) => a - b),
};
process.stdout.write(`${JSON.stringify(result)}\n`);

function run(index: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: load.host, port: load.port, noDelay: true });
    socket.on('error', reject);
    socket.on('connect', () => next(socket, index));
    let parts: Buffer[] = [];
    let have = 0;
    let want = Number.POSITIVE_INFINITY;
    let due = 0;
    const next = (to: Socket, which: number): void => {
      const now = performance.now();
      due = load.rate === 0 ? now : began + (sent * 1_000) / load.rate;
      if (due >= until) {
        to.destroy();
        resolve();
        return;
      }
      const request = numbered(load.order[(sent + which) % load.order.length] ?? 0);
      sent += 1;
      if (due <= now) to.write(request);
      else setTimeout(() => to.write(request), due - now);
    };
    socket.on('data', (chunk) => {
      parts.push(chunk);
      have += chunk.length;
      if (want === Number.POSITIVE_INFINITY) want = lengthOf(parts);
      if (have < want) return;
      done += 1;
      const head = (parts[0] as Buffer).toString('latin1', 9, 12);
      if (head !== '200') failed += 1;
      if (latencies.length < LATENCIES_MAX) latencies.push(performance.now() - due);
      parts = [];
      have = 0;
      want = Number.POSITIVE_INFINITY;
      next(socket, index);
    });
  });
}

function numbered(index: number): Buffer {
  const [bytes, mark] = [wire[index] as Buffer, marks[index] ?? -1];
  if (mark < 0) return bytes;
  const own = Buffer.from(bytes);
  own.write(String(1_000_000 + (sent % 1_000_000)), mark, 'latin1');
  return own;
}

/** Of head and body, once the head is there; chunked bodies are not asked for here. */
function lengthOf(parts: readonly Buffer[]): number {
  const all = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  const end = all.indexOf(HEAD_END);
  if (end < 0) return Number.POSITIVE_INFINITY;
  const head = all.toString('latin1', 0, end).toLowerCase();
  const length = /\r\ncontent-length: (\d+)/.exec(head)?.[1];
  if (length === undefined) return chunkedLength(all, end + 4);
  return end + 4 + Number(length);
}

/** The SDK's answers come in chunks: the end is a chunk of no bytes. */
function chunkedLength(all: Buffer, from: number): number {
  let at = from;
  for (;;) {
    const line = all.indexOf('\r\n', at);
    if (line < 0) return Number.POSITIVE_INFINITY;
    const size = Number.parseInt(all.toString('latin1', at, line), 16);
    at = line + 2 + size + 2;
    if (size === 0) return at;
    if (at > all.length) return Number.POSITIVE_INFINITY;
  }
}
