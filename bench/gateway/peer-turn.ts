import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { processCpuMs } from '../cpu.ts';
import { percentile } from '../harness.ts';
import { residentKb } from '../process.ts';
import { Client } from './client.ts';
import { type Published, tokenOf } from './instances.ts';
import { type Running, SECRET, type Side } from './sides.ts';

export interface Turn {
  readonly connectedPerSecond: number;
  /** Resident; only of a server of this machine whose process is known, as is the next. */
  readonly memoryKb: number | undefined;
  readonly cpuAnEventUs: number | undefined;
  /** From when an event was due to be published, milliseconds. */
  readonly waits: { readonly p50: number; readonly p99: number; readonly p999: number };
  readonly heardShare: number;
  readonly toAll: { readonly p50: number; readonly last: number };
  readonly generatorShare: number;
}

export interface Load {
  readonly connections: number;
  readonly rate: number;
  readonly seconds: number;
}

/** Connections under way at a time: more only wait for the same processor. */
const AT_ONCE = 200;
const SETTLE_MS = 4_000;
const WARM_UP_SECONDS = 2;
const STEP_MS = 5;
const FANOUTS = 20;
const WITHIN_MS = 30_000;
const ALL = 'all';
/** What an event says: with its frame some 400 bytes on the wire. */
const TEXT = 'x'.repeat(200);

/** Of a turn: the server may remember the numbers of another one. */
export type EventOf = (channel: string, n: number) => Published;

export function eventsOfTurn(): EventOf {
  const turn = randomUUID();
  return (channel, n) => ({
    channel,
    data: { id: `b-${n}`, text: TEXT },
    idempotency_key: `${turn}-${n}`,
  });
}

/** One server from its start to its end, under everything that is measured of it. */
export async function turnOf(side: Side, load: Load): Promise<Turn> {
  const server = await side.start();
  const crowd = new PeerCrowd();
  try {
    await sleep(500);
    const before = server.pid === 0 ? undefined : residentKb(server.pid);
    const connectedPerSecond = await crowd.come(side, server, load.connections);
    await sleep(SETTLE_MS);
    const memoryKb =
      before === undefined ? undefined : (residentKb(server.pid) - before) / load.connections;
    const published = await schedule(server, crowd, load);
    const toAll = await fanOut(side, server, crowd);
    return { connectedPerSecond, memoryKb, ...published, toAll };
  } finally {
    crowd.end();
    await server.kill();
  }
}

/** Everybody, with what each heard: when, of which event. */
class PeerCrowd {
  readonly eventOf = eventsOfTurn();
  readonly #clients: Client[] = [];
  /** By the event's number: when it was due. */
  readonly dueAt: number[] = [];
  waits: number[] = [];
  subscribed = 0;

  get size(): number {
    return this.#clients.length;
  }

  /** Answers how many a second. */
  async come({ dialect }: Side, { url }: Running, connections: number): Promise<number> {
    const began = performance.now();
    while (this.subscribed < connections) {
      while (this.size < connections && this.size - this.subscribed < AT_ONCE) {
        const channel = `m${this.size}`;
        const token = tokenOf(channel, SECRET);
        const options = { index: this.size, url, dialect, token, channel };
        this.#clients.push(
          new Client(options, {
            subscribed: () => {
              this.subscribed += 1;
            },
            event: (n) => {
              const at = this.dueAt[n];
              if (at !== undefined) this.waits.push(performance.now() - at);
            },
            lost: () => process.stderr.write('a connection was lost\n'),
          }),
        );
      }
      if (performance.now() - began > WITHIN_MS) throw new Error('not all could subscribe');
      await sleep(1);
    }
    return (1_000 * connections) / (performance.now() - began);
  }

  say(text: string): void {
    for (const client of this.#clients) client.say(text);
  }

  end(): void {
    for (const client of this.#clients) client.close();
  }
}

/** What is due is published then, whatever has come back. */
async function schedule(server: Running, crowd: PeerCrowd, { rate, seconds }: Load) {
  const cpuBefore = server.pid === 0 ? undefined : processCpuMs(server.pid);
  const own = process.cpuUsage();
  const began = performance.now();
  const total = Math.round(rate * (seconds + WARM_UP_SECONDS));
  while (crowd.dueAt.length < total) {
    const due = Math.min(total, Math.floor(((performance.now() - began) / 1_000) * rate));
    while (crowd.dueAt.length < due) {
      const n = crowd.dueAt.length;
      crowd.dueAt.push(began + (1_000 * (n + 1)) / rate);
      void server.publish(crowd.eventOf(`m${Math.floor(Math.random() * crowd.size)}`, n));
    }
    await sleep(STEP_MS);
  }
  const { user, system } = process.cpuUsage(own);
  const generatorShare = (user + system) / 10 / (performance.now() - began);
  await until(() => crowd.waits.length >= total, 5_000);
  const cpuAnEventUs =
    cpuBefore === undefined
      ? undefined
      : (1_000 * (processCpuMs(server.pid) - cpuBefore)) / crowd.waits.length;
  const counted = crowd.waits.slice(rate * WARM_UP_SECONDS);
  const [p50 = 0, p99 = 0, p999 = 0] = [50, 99, 99.9].map((p) => percentile(counted, p));
  const heardShare = (100 * crowd.waits.length) / total;
  return { waits: { p50, p99, p999 }, heardShare, cpuAnEventUs, generatorShare };
}

/** One after another, each once the one before has reached all. */
async function fanOut(side: Side, server: Running, crowd: PeerCrowd) {
  crowd.subscribed = 0;
  crowd.say(side.dialect.more(ALL));
  await until(() => crowd.subscribed >= crowd.size, WITHIN_MS);
  const [receipts, lasts]: [number[], number[]] = [[], []];
  for (let turn = 0; turn < FANOUTS; turn += 1) {
    crowd.waits = [];
    const n = crowd.dueAt.length;
    crowd.dueAt.push(performance.now());
    if (!(await server.publish(crowd.eventOf(ALL, n))))
      throw new Error('an event was not accepted');
    await until(() => crowd.waits.length >= crowd.size, WITHIN_MS);
    lasts.push(percentile(crowd.waits, 100));
    for (const wait of crowd.waits) receipts.push(wait);
  }
  return { p50: percentile(receipts, 50), last: percentile(lasts, 50) };
}

export async function until(isSo: () => boolean, withinMs: number): Promise<void> {
  const end = performance.now() + withinMs;
  while (!isSo() && performance.now() < end) await sleep(2);
}
