import { startRedis } from '../tools/parts/redis.ts';
import { type Loss, lostUnderKill } from './gateway/peer-loss.ts';
import { type Turn, turnOf } from './gateway/peer-turn.ts';
import {
  type CentrifugoOptions,
  centrifugoSide,
  floorSide,
  ourSide,
  type Side,
} from './gateway/sides.ts';
import { progress, type Row, report } from './harness.ts';

const ROUNDS = 2;
/** All clients and whoever publishes are of this process, which may hold 20,000 files here. */
const CONNECTIONS_MAX = 15_000;

export interface PeerOptions {
  readonly connections: number;
  /** Events a second. */
  readonly rate: number;
  /** Of publishing, over both rounds. */
  readonly seconds: number;
  readonly centrifugo: CentrifugoOptions | undefined;
}

/**
 * T20: the gateway, a Centrifugo where one is given, and a stock `ws` server with a map of channels, in
 * turns, under one generator: connections, memory, publish to receipt on a fixed schedule, one message
 * to all, and what is lost under kill -9. Ours is the gateway on its own with Redis: rights are granted
 * by a stub and no audit is written, as Centrifugo has neither; `gateway` measures the whole.
 */
export async function benchGatewayPeer(options: PeerOptions): Promise<void> {
  const { connections, rate, seconds, centrifugo } = options;
  if (connections > CONNECTIONS_MAX) throw new Error(`--members: at most ${CONNECTIONS_MAX}`);
  const redis = await startRedis({}, progress);
  try {
    const others = centrifugo === undefined ? [] : [centrifugoSide(centrifugo)];
    const sides = [floorSide(), await ourSide(redis.env.REDIS_URL ?? ''), ...others];
    const turns = new Map<Side, Turn[]>(sides.map((side) => [side, []]));
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [side, own] of turns) {
        process.stderr.write(`round ${round + 1} of ${ROUNDS}: ${side.name} …\n`);
        own.push(await turnOf(side, { connections, rate, seconds: seconds / ROUNDS }));
      }
    }
    const rows = [...turns].flatMap(([{ name }, own]) => rowsOf(name, own));
    for (const side of sides.filter(({ keeps }) => keeps)) {
      process.stderr.write(`kill -9: ${side.name} …\n`);
      rows.push(...lossRows(side.name, await lostUnderKill(side)));
    }
    const setting = { connections, rate, seconds, rounds: ROUNDS, centrifugo: centrifugo?.url };
    report('gateway-peer', { ...setting, ours: 'gateway alone, Redis, stub rights' }, rows);
  } finally {
    await redis.stop();
  }
}

/** The median; of two the mean. */
function middle(turns: readonly Turn[], of: (turn: Turn) => number): number {
  const sorted = turns.map(of).sort((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}

function rowsOf(name: string, turns: readonly Turn[]): Row[] {
  const row = (what: string, unit: string, of: (turn: Turn) => number): Row => ({
    ...{ what: `${name}: ${what}`, unit, value: middle(turns, of) },
  });
  const isLocal = turns.every(({ memoryKb }) => memoryKb !== undefined);
  return [
    row('connected and subscribed', '/s', (t) => t.connectedPerSecond),
    ...(isLocal
      ? [
          row('memory a connection', 'KB', (t) => t.memoryKb ?? Number.NaN),
          row('CPU of the server an event', 'µs', (t) => t.cpuAnEventUs ?? Number.NaN),
        ]
      : []),
    row('publish to receipt, p50', 'ms', (t) => t.waits.p50),
    row('publish to receipt, p99', 'ms', (t) => t.waits.p99),
    row('publish to receipt, p99.9', 'ms', (t) => t.waits.p999),
    row('heard of published', '%', (t) => t.heardShare),
    row('one message to all, p50 of receipts', 'ms', (t) => t.toAll.p50),
    row('one message to all, the last, median', 'ms', (t) => t.toAll.last),
    row('CPU of the generator while publishing', '% of a core', (t) => t.generatorShare),
  ];
}

function lossRows(name: string, loss: Loss): Row[] {
  return [
    { what: `${name}, killed: events accepted`, value: loss.accepted, unit: '' },
    { what: `${name}, killed: of them never heard`, value: loss.lost, unit: '', bar: '0' },
    { what: `${name}, killed: heard twice`, value: loss.twice, unit: '' },
    { what: `${name}, killed: told that some are lost`, value: loss.unrecovered, unit: 'clients' },
    { what: `${name}, killed: ready again after`, value: loss.readyMs, unit: 'ms' },
    { what: `${name}, killed: clients back, p95`, value: loss.backP95Ms, unit: 'ms' },
  ];
}
