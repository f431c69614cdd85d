import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Clock } from '../../kernel/clock.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { askedOfLegacy, askedOfPlans, askedOfX12, Malformed } from './asked.ts';
import { Batches, NameTaken } from './batches.ts';
import { type Controls, controlsOf } from './controls.ts';
import { type Asked, Known, type Told } from './known.ts';
import { delayOf, GIVES_UP_MS } from './latency.ts';
import { seeded } from './random.ts';
import { Slots } from './slots.ts';
import { writeLegacy } from './write-legacy.ts';
import { writePlans } from './write-plans.ts';
import { type Stamp, write271 } from './write-x12.ts';

export interface SimulatorSettings {
  readonly clock: Clock;
  /** 0: any free one. */
  readonly port?: number;
  readonly slots?: number;
  /** Of latencies: 0.01 makes a second of 100. */
  readonly timeScale?: number;
  readonly profile?: Controls['profile'];
  readonly seed?: number;
}

export interface Simulator {
  /** On loopback. */
  readonly url: string;
  stop(): Promise<void>;
}

/** A batch of 10,000 items is some megabytes. */
const BODY_BYTES_MAX = 16_000_000;
/** The account's limit in the clearinghouse's own test of callers, and our default. */
const SLOTS = 15;

type Reply = readonly [status: number, body: JsonObject, gzip?: boolean];
type Write = (asked: Asked, told: Told, stamp: Stamp) => JsonObject;

/** The clearinghouse's HTTP API on loopback, with invented payers: docs/eligibility.md. */
export async function startSimulator(settings: SimulatorSettings): Promise<Simulator> {
  const simulated = new Simulated(settings);
  const server = createServer((req, res) => void simulated.serve(req, res));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(settings.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

class Simulated {
  readonly #known = new Known();
  readonly #clock: Clock;
  readonly #slots: Slots;
  readonly #batches: Batches;
  readonly #random: () => number;
  readonly #counts = { checks: 0, batchItems: 0, byPayer: new Map<string, number>() };
  #controls: Controls;

  constructor({
    clock,
    slots = SLOTS,
    timeScale = 1,
    profile = 'normal',
    seed = 1,
  }: SimulatorSettings) {
    this.#clock = clock;
    this.#random = seeded(seed);
    this.#slots = new Slots(slots, clock);
    this.#controls = { slots, timeScale, profile, payers: {} };
    this.#batches = new Batches({
      clock,
      delayOf: (asked) => delayOf(this.#profileOf(asked), this.#random).ms,
      answer: (asked) => this.#write(writeLegacy, asked),
      scale: () => this.#controls.timeScale,
    });
  }

  async serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    try {
      const url = new URL(req.url ?? '/', 'http://simulator');
      const reply = await this.#route(req, url);
      send(res, reply);
    } catch (error) {
      send(res, faultOf(error));
    }
  }

  async #route(req: IncomingMessage, url: URL): Promise<Reply> {
    const path = `${req.method} ${url.pathname}`;
    if (url.pathname === '/_simulator') return this.#control(req, path);
    if ((req.headers.authorization ?? '') === '') return [401, { message: 'Unauthorized' }];
    if (path === 'POST /2024-04-01/change/medicalnetwork/eligibility/v3') {
      return this.#check(askedOfLegacy(await bodyOf(req)), writeLegacy);
    }
    if (path === 'POST /2026-06-01/eligibility-check') {
      return this.#check(askedOfPlans(await bodyOf(req)), writePlans);
    }
    if (path === 'POST /2024-04-01/change/medicalnetwork/eligibility/v3/raw-x12') {
      const { x12 } = (await bodyOf(req)) as { x12?: unknown };
      if (typeof x12 !== 'string') throw new Malformed(['x12']);
      const raw: Write = (asked, told, stamp) => ({
        ...{ id: stamp.checkId, meta: { traceId: stamp.traceId } },
        x12: write271(asked, told, stamp),
      });
      return this.#check(askedOfX12(x12), raw);
    }
    return this.#manager(req, url, path);
  }

  /** Holds a slot for as long as the payer takes, whether or not the caller is still there. */
  async #check(asked: Asked, write: Write): Promise<Reply> {
    const free = this.#slots.take();
    if (free === undefined) {
      return [429, { code: 'TOO_MANY_REQUESTS', message: 'Request was throttled: CUSTOMER_LIMIT' }];
    }
    this.#counts.checks += 1;
    const { byPayer } = this.#counts;
    if (byPayer.size < 1_000) byPayer.set(asked.payer, (byPayer.get(asked.payer) ?? 0) + 1);
    try {
      const delay = delayOf(this.#profileOf(asked), this.#random);
      await this.#sleep(Math.min(delay.ms, GIVES_UP_MS) * this.#controls.timeScale);
      if (delay.instead === 'no-answer') return [504, { message: 'Gateway timeout' }];
      const body = this.#write(write, asked, delay.instead === 'refused' ? OUT : undefined);
      // As published: an AAA of the provider's loop came with 400, others with 200.
      const provider = this.#known.tell(asked).rejections.some(({ loop }) => loop === 'provider');
      return [provider ? 400 : 200, body];
    } finally {
      free();
    }
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.after(ms, resolve);
    });
  }

  #write(write: Write, asked: Asked, instead?: Pick<Told, 'rejections'>): JsonObject {
    const told = this.#known.tell(asked);
    const said = instead === undefined ? told : { ...told, benefits: [], dates: [], ...instead };
    return write(asked, said, {
      checkId: `ec_${randomUUID()}`,
      traceId: randomUUID().replaceAll('-', '').slice(0, 26).toUpperCase(),
      control: String(Math.floor(this.#random() * 999_999_998) + 1).padStart(9, '0'),
      at: this.#clock.now(),
    });
  }

  #profileOf({ payer }: Asked): Controls['profile'] {
    const { payers, profile } = this.#controls;
    return Object.hasOwn(payers, payer) ? (payers[payer] ?? profile) : profile;
  }

  async #manager(req: IncomingMessage, url: URL, path: string): Promise<Reply> {
    const query = url.searchParams;
    if (path === 'POST /2024-04-01/eligibility-manager/batch-eligibility') {
      const body = await bodyOf(req);
      const reply = this.#batches.submit(body);
      this.#counts.batchItems += (body as { items: unknown[] }).items.length;
      return [200, reply];
    }
    if (path === 'GET /2024-04-01/eligibility-manager/polling/batch-eligibility') {
      const size = Number(query.get('pageSize') ?? 10);
      if (!Number.isInteger(size) || size < 1 || size > 200) throw new Malformed(['pageSize']);
      const id = query.get('batchId') ?? '';
      const since = query.get('startDateTime');
      if (since !== null) return [200, this.#batches.since(Date.parse(since)), size > 20];
      const page = this.#batches.page(id, size, query.get('pageToken') ?? undefined);
      return page === undefined ? NOT_FOUND : [200, page, size > 20];
    }
    const [, id] = /^GET \/2024-04-01\/eligibility-manager\/batch\/([^/]+)$/.exec(path) ?? [];
    const status = id === undefined ? undefined : this.#batches.status(id);
    if (status !== undefined) return [200, status];
    if (path === 'GET /2024-04-01/payers/search') return [200, this.#payers(query)];
    return NOT_FOUND;
  }

  #payers(query: URLSearchParams): JsonObject {
    const words = (query.get('query') ?? '').toLowerCase();
    const items = Object.entries(this.#known.script.payers)
      .filter(([id, name]) => `${id} ${name}`.toLowerCase().includes(words))
      .map(([id, displayName]) => ({
        payer: {
          ...{ stediId: id, primaryPayerId: id, displayName, names: [displayName], aliases: [] },
          transactionSupport: { eligibilityCheck: 'SUPPORTED' },
        },
        score: 1,
      }));
    return { items, stats: { total: items.length } };
  }

  /** Not part of the clearinghouse's API: what tests and benches count and set. */
  async #control(req: IncomingMessage, path: string): Promise<Reply> {
    if (path.startsWith('PUT')) {
      this.#controls = controlsOf(this.#controls, await bodyOf(req));
      this.#slots.limit = this.#controls.slots;
    } else if (path.startsWith('DELETE')) this.#slots.reset();
    else if (!path.startsWith('GET')) return NOT_FOUND;
    const { checks, batchItems, byPayer } = this.#counts;
    const counts = { ...this.#slots.counts, checks, batchItems };
    return [200, { ...this.#controls, ...counts, byPayer: Object.fromEntries(byPayer) }];
  }
}

const NOT_FOUND: Reply = [404, { message: 'Not found' }];
const OUT: Pick<Told, 'rejections'> = {
  rejections: [{ code: '42', followUp: 'R', loop: 'payer', path: '' }],
};

function faultOf(error: unknown): Reply {
  if (error instanceof NameTaken) return [409, { message: 'A batch of that name exists' }];
  if (error instanceof Malformed) {
    const errors = error.paths.map((path) => ({ path: `/${path}`, message: 'not valid' }));
    return [400, { code: 'INVALID_REQUEST', message: 'The request is not valid', errors }];
  }
  return [500, { code: 'INTERNAL', message: 'The simulator failed' }];
}

async function bodyOf(req: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of req) {
    bytes += (chunk as Buffer).length;
    if (bytes > BODY_BYTES_MAX) throw new Malformed(['(body)']);
    chunks.push(chunk as Buffer);
  }
  const zipped = req.headers['content-encoding'] === 'gzip';
  const all = Buffer.concat(chunks);
  try {
    const text = zipped ? gunzipSync(all, { maxOutputLength: BODY_BYTES_MAX }) : all;
    return JSON.parse(text.toString('utf8'));
  } catch {
    throw new Malformed(['(body)']);
  }
}

function send(res: ServerResponse, [status, body, gzip = false]: Reply): void {
  const text = JSON.stringify(body);
  res.writeHead(status, {
    'content-type': 'application/json',
    ...(gzip && { 'content-encoding': 'gzip' }),
  });
  res.end(gzip ? gzipSync(text) : text);
}
