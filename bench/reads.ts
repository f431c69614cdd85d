import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applySchema } from '../src/access/spicedb/schema-check.ts';
import { modernMessage } from '../test/support/raw.ts';
import { startSpicedb } from '../tools/parts/spicedb.ts';
import { processCpuMs } from './cpu.ts';
import {
  type BenchServer,
  percentile,
  progress,
  type Row,
  report,
  startServer,
} from './harness.ts';
import { startPeer, wireOf } from './peer.ts';
import type { Load, Loaded } from './reads/generator.ts';

const MEMBERS = 1_000;
const PRINCIPALS = 200;
const CONNECTIONS = 32;
const ROUNDS = 5;
const ORDER = 200_000;
const BUNDLE = new URL('../resources/demo/demo-ana.json', import.meta.url);
const LEGACY_VERSION = '2025-06-18';
/** As in `reads/generator.ts`. */
const ID_MARK = 9_000_000;

interface Target {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  readonly requests: readonly string[];
}

/**
 * Authorized and audited reads beside the bare SDK handler and beside node:http, in turns: 200
 * people read 1,000 members, each their own five, by a Zipf law of exponent 1.
 */
export async function benchReads(seconds: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'twin-reads-'));
  const spicedb = await startSpicedb({}, progress);
  const { address, token } = spicedb;
  await applySchema({ endpoint: address, token, tls: false });
  const server = await startServer(join(folder, 'data'), {
    ...{ REQUESTS_PER_SECOND: '1000000', SPICEDB_ENDPOINT: `http://${address}` },
    SPICEDB_TOKEN: token,
  });
  const peers: ChildProcess[] = [];
  try {
    const requests = await prepare(server);
    const bytes = await sizeOf(server, requests.modern[0] as string);
    const sdk = await peerOf('sdk', bytes, peers);
    const http = await peerOf('http', bytes, peers);
    const own = { port: portOf(server.url), pid: server.pid };
    const ours: Target = { name: 'ours', ...own, requests: requests.modern };
    const ours2025: Target = { name: 'ours2025', ...own, requests: requests.legacy };
    const sdk2025: Target = { ...sdk, name: 'sdk2025', requests: [legacyFor(sdk.port)] };
    const order = zipf(MEMBERS, ORDER);
    const drive = (target: Target, rate = 0) => measure(folder, target, order, seconds, rate);
    const found: Record<string, Measured[]> = {};
    for (let round = 0; round <= ROUNDS; round += 1) {
      for (const target of [ours, sdk, http, ours2025, sdk2025]) {
        progress(`round ${round} of ${ROUNDS}: ${target.name}`);
        const measured = await drive(target);
        if (round > 0) found[target.name] = [...(found[target.name] ?? []), measured];
      }
    }
    const rows = rowsOf(found);
    const half = (rows[0]?.value ?? 0) / 2;
    const paced = await drive(ours, half);
    rows.push(
      { what: 'ours at half of that, p50', value: percentile(paced.latencies, 50), unit: 'ms' },
      {
        what: 'ours at half of that, p99',
        value: percentile(paced.latencies, 99),
        unit: 'ms',
        bar: '10',
      },
    );
    const setting = { members: MEMBERS, principals: PRINCIPALS, connections: CONNECTIONS };
    report('reads', { ...setting, rounds: ROUNDS, seconds, documentBytes: bytes }, rows);
  } finally {
    for (const peer of peers) peer.kill('SIGTERM');
    await server.stop();
    await spicedb.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Measured extends Loaded {
  readonly perSecond: number;
  /** CPU of the server, microseconds a read. */
  readonly serverMicros: number;
}

async function measure(
  folder: string,
  { name, port, pid, requests }: Target,
  order: readonly number[],
  seconds: number,
  rate: number,
): Promise<Measured> {
  const load: Load = {
    ...{ host: '127.0.0.1', port, connections: CONNECTIONS, seconds, rate },
    requests,
    order: requests.length === 1 ? [0] : order,
  };
  const file = join(folder, 'load.json');
  await writeFile(file, JSON.stringify(load));
  const before = processCpuMs(pid);
  const path = new URL('./reads/generator.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [path, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk) => (text += String(chunk)));
  await once(child, 'close');
  const loaded = JSON.parse(text) as Loaded;
  if (loaded.failed > 0)
    throw new Error(`${name}: ${loaded.failed} of ${loaded.requests} reads failed`);
  return {
    ...loaded,
    perSecond: loaded.requests / loaded.seconds,
    serverMicros: ((processCpuMs(pid) - before) * 1_000) / loaded.requests,
  };
}

function rowsOf(found: Readonly<Record<string, readonly Measured[]>>): Row[] {
  const median = (name: string, of: (one: Measured) => number): number =>
    percentile((found[name] ?? []).map(of), 50);
  const rate = (name: string): number => median(name, ({ perSecond }) => perSecond);
  const beside = (name: string, peer: string): number =>
    percentile(
      (found[name] ?? []).map(
        ({ perSecond }, index) => perSecond / (found[peer]?.[index]?.perSecond ?? Number.NaN),
      ),
      50,
    );
  const names = [
    ['ours', 'authorized and audited reads'],
    ['sdk', 'the bare SDK handler'],
    ['http', 'node:http alone'],
    ['ours2025', 'authorized and audited reads of 2025-era sessions'],
    ['sdk2025', 'the bare SDK handler, 2025 era'],
  ] as const;
  return [
    ...names.map(([name, what]): Row => ({ what, value: rate(name), unit: '/s' })),
    {
      what: 'ours beside the bare SDK',
      value: beside('ours', 'sdk'),
      unit: 'times',
      bar: '8',
    },
    {
      what: 'ours beside the bare SDK, 2025 era',
      value: beside('ours2025', 'sdk2025'),
      unit: 'times',
      bar: '0.95',
    },
    ...names.flatMap(([name, what]): Row[] => [
      {
        what: `${what}: server CPU`,
        value: median(name, (m) => m.serverMicros),
        unit: 'µs a read',
      },
      {
        what: `${what}: generator CPU`,
        value: median(name, (m) => (m.cpuSeconds * 1e6) / m.requests),
        unit: 'µs a read',
      },
    ]),
  ];
}

/** Members, relations and the bytes of one request for each member, by the person who may. */
async function prepare(server: BenchServer): Promise<{ modern: string[]; legacy: string[] }> {
  const bundle = await readFile(BUNDLE, 'utf8');
  const importing = await server.token('operator', 'sources:write');
  for (let member = 1; member <= MEMBERS; member += 1) {
    progress(`member ${member} of ${MEMBERS}`);
    await server.post(importing, '/v1/sources?source=bench', copyFor(bundle, member));
  }
  const writing = await server.token('operator', 'relations:write');
  for (let from = 1; from <= MEMBERS; from += 200) {
    const changes = Array.from({ length: 200 }, (_, index) => ({
      operation: 'touch',
      relationship: `member:bench-${from + index}#delegate@user:${readerOf(from + index)}`,
    }));
    await server.post(writing, '/v1/relations', JSON.stringify({ changes }));
  }
  const tokens = await Promise.all(
    Array.from({ length: PRINCIPALS }, (_, index) => server.token(`reader-${index}`)),
  );
  const sessions: string[] = [];
  for (const token of tokens) sessions.push(await openSession(server.url, token));
  const members = Array.from({ length: MEMBERS }, (_, index) => index + 1);
  const uriOf = (member: number): string => `mcp://twins/member/bench-${member}/coverage`;
  return {
    modern: members.map((member) =>
      requestFor(server.url, uriOf(member), tokens[member % PRINCIPALS]),
    ),
    legacy: members.map((member) => {
      const [token, session] = [tokens[member % PRINCIPALS], sessions[member % PRINCIPALS]];
      return legacyFor(portOf(server.url), uriOf(member), token, session);
    }),
  };
}

/** A session of the 2025 era; answers its id. */
async function openSession(url: string, token: string): Promise<string> {
  const clientInfo = { name: 'bench', version: '1' };
  const params = { protocolVersion: LEGACY_VERSION, capabilities: {}, clientInfo };
  const response = await fetch(`${url}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
  });
  await response.text();
  return response.headers.get('mcp-session-id') ?? '';
}

function legacyFor(
  port: number,
  uri = 'mcp://twins/member/bench-1/coverage',
  token?: string,
  session?: string,
): string {
  const message = { jsonrpc: '2.0', id: ID_MARK, method: 'resources/read', params: { uri } };
  const body = JSON.stringify(message);
  return [
    'POST /mcp HTTP/1.1',
    `Host: 127.0.0.1:${port}`,
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
    ...(session === undefined ? [] : [`Mcp-Session-Id: ${session}`]),
    `MCP-Protocol-Version: ${LEGACY_VERSION}`,
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}

function readerOf(member: number): string {
  return `reader-${member % PRINCIPALS}`;
}

function copyFor(bundle: string, member: number): string {
  return bundle
    .replaceAll('demo-ana', `bench-${member}`)
    .replaceAll(/"(ana-[\w-]+)"/g, `"$1-${member}"`)
    .replaceAll(/\/(ana-[\w-]+)"/g, `/$1-${member}"`);
}

function requestFor(url: string, uri: string, token?: string): string {
  return wireOf(url, modernMessage('resources/read', { uri }, uri), token);
}

async function sizeOf(server: BenchServer, request: string): Promise<number> {
  const [head = '', body = ''] = request.split('\r\n\r\n');
  const headers = head
    .split('\r\n')
    .slice(1)
    .map((line) => line.split(': ') as [string, string])
    .filter(([name]) => name !== 'Host' && name !== 'Content-Length');
  const response = await fetch(`${server.url}/mcp`, { method: 'POST', headers, body });
  const answer = (await response.json()) as { result: { contents: { text: string }[] } };
  return answer.result.contents[0]?.text.length ?? 0;
}

async function peerOf(kind: 'sdk' | 'http', bytes: number, peers: ChildProcess[]): Promise<Target> {
  const script = new URL('./reads/peers.ts', import.meta.url);
  const { child, port, pid } = await startPeer(script, [kind, String(bytes)]);
  peers.push(child);
  const uri = 'mcp://twins/member/bench-1/coverage';
  return { name: kind, port, pid, requests: [requestFor(`http://127.0.0.1:${port}`, uri)] };
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

/** Indices 0 to `count` - 1 by a Zipf law of exponent 1, always the same. */
function zipf(count: number, length: number): number[] {
  const weights = Array.from({ length: count }, (_, index) => 1 / (index + 1));
  const sum = weights.reduce((all, weight) => all + weight, 0);
  let total = 0;
  const bounds = weights.map((weight) => (total += weight / sum));
  let state = 1;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return Array.from({ length }, () => {
    const at = random();
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((bounds[middle] ?? 1) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  });
}
