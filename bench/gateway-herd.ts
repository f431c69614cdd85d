import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../tools/parts/ports.ts';
import { startRedis } from '../tools/parts/redis.ts';
import { Client, OWN_PAUSES, type Pauses, PUSHER_PAUSES } from './gateway/client.ts';
import { OURS } from './gateway/dialects.ts';
import { type Asked, type Instance, startInstance, tokenOf } from './gateway/instances.ts';
import { percentile, progress, type Row, report } from './harness.ts';

const PROCESSES = 4;
/** A process may hold 20,000 files here, and all clients are of this one. */
const MEMBERS_MAX = 15_000;
const SECRET = 'a secret of a benchmark, of no use elsewhere';
const BACK_WITHIN_MS = 90_000;
/** Between two phases: what those who came back still cost is over. */
const QUIET_MS = 3_000;
/** What one instance lets in a second, and the tenth of a second that it may have saved. */
const ADMITTED = 2_000 + 200;
const STRAGGLER_MS = 15_000;

interface Phase {
  readonly what: string;
  readonly pauses: Pauses;
  act(): Promise<void>;
}

/**
 * T11: so many connections over four processes on one port, with tokens, a subscription each and a
 * real Redis behind. Who is cut off comes again as our SDK does, and then as pusher-js does, over our
 * own protocol. How long each is away, and how much that asks of what stands behind the gateway.
 */
export async function benchGatewayHerd(members: number): Promise<void> {
  if (members > MEMBERS_MAX) throw new Error(`--members: at most ${MEMBERS_MAX}`);
  const redis = await startRedis({}, progress);
  const herd = new Herd(members, await freePort(), redis.env.REDIS_URL ?? '');
  try {
    const cpu = process.cpuUsage();
    const began = performance.now();
    const rows = await herd.run();
    const { user, system } = process.cpuUsage(cpu);
    const share = (user + system) / 10 / (performance.now() - began);
    report('gateway-herd', { members, processes: PROCESSES, admittedPerSecond: ADMITTED }, [
      ...rows,
      { what: 'CPU of the generator', value: share, unit: '% of a core' },
    ]);
  } finally {
    await herd.stop();
    await redis.stop();
  }
}

class Herd {
  readonly #members: number;
  readonly #port: number;
  readonly #redisUrl: string;
  readonly #instances: Instance[] = [];
  readonly #clients: Client[] = [];
  #pauses: Pauses = OWN_PAUSES;
  #away: number[] = [];
  /** Of each instance and second. */
  #asked: Asked[] = [];

  constructor(members: number, port: number, redisUrl: string) {
    this.#members = members;
    this.#port = port;
    this.#redisUrl = redisUrl;
  }

  async run(): Promise<Row[]> {
    for (let n = 0; n < PROCESSES; n += 1) this.#instances.push(await this.#instance());
    const rows: Row[] = [];
    for (const phase of this.#phases()) {
      process.stderr.write(`${phase.what} …\n`);
      rows.push(...(await this.#measured(phase)));
    }
    const subscribed = this.#clients.filter((one) => one.isSubscribed).length;
    const bar = String(this.#members);
    return [...rows, { what: 'subscribed at the end', value: subscribed, unit: '', bar }];
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.close();
    await Promise.all(this.#instances.map((one) => one.kill()));
  }

  #phases(): Phase[] {
    const [sdk, pusher] = [{ pauses: OWN_PAUSES }, { pauses: PUSHER_PAUSES }];
    return [
      { ...sdk, what: 'all come at once', act: async () => this.#come() },
      { ...sdk, what: 'one of four killed', act: () => this.#kill() },
      { ...sdk, what: 'all cut at once', act: async () => this.#cut() },
      { ...sdk, what: 'rolling restart', act: () => this.#restartAll() },
      { ...pusher, what: "one of four killed, pusher-js's pauses", act: () => this.#kill() },
      { ...pusher, what: "all cut at once, pusher-js's pauses", act: async () => this.#cut() },
    ];
  }

  async #measured({ what, pauses, act }: Phase): Promise<Row[]> {
    await this.#whole();
    [this.#pauses, this.#away, this.#asked] = [pauses, [], []];
    await act();
    // A kill or a reset is known here a moment later.
    await sleep(200);
    await this.#whole();
    await sleep(QUIET_MS);
    const [away, asked] = [this.#away, this.#asked];
    const seconds = (p: number): number => percentile(away, p) / 1_000;
    const most = Math.max(...asked.map(({ tokens }) => tokens));
    return [
      { what: `${what}: came`, value: away.length, unit: '' },
      { what: `${what}: back, p50`, value: seconds(50), unit: 's' },
      { what: `${what}: back, p95`, value: seconds(95), unit: 's', bar: '5' },
      { what: `${what}: back, p99`, value: seconds(99), unit: 's' },
      { what: `${what}: back, the last`, value: seconds(100), unit: 's', bar: '15' },
      {
        ...{ what: `${what}: later than 15 s`, unit: '', bar: '0' },
        value: away.filter((ms) => ms > STRAGGLER_MS).length,
      },
      {
        ...{ what: `${what}: tokens verified a second, most of one process`, unit: '/s' },
        ...{ value: most, bar: String(ADMITTED) },
      },
      {
        ...{ what: `${what}: calls to Redis a second, most of one process`, unit: '/s' },
        value: Math.max(...asked.map(({ redis }) => redis)),
      },
    ];
  }

  #instance(): Promise<Instance> {
    const options = { port: this.#port, redisUrl: this.#redisUrl, secret: SECRET };
    return startInstance(options, (asked) => void this.#asked.push(asked));
  }

  /** All that there are, subscribed; or nobody will be. */
  async #whole(): Promise<void> {
    const until = performance.now() + BACK_WITHIN_MS;
    while (performance.now() < until) {
      const back = this.#clients.filter((one) => one.isSubscribed).length;
      if (back === this.#clients.length) return;
      progress(`${back} of ${this.#clients.length}`);
      await sleep(50);
    }
  }

  #come(): void {
    const url = `ws://127.0.0.1:${this.#port}/v1/ws`;
    for (let index = 0; index < this.#members; index += 1) {
      const channel = `m${index}`;
      const options = { index, url, dialect: OURS, token: tokenOf(channel, SECRET), channel };
      const pauses: Pauses = (...given) => this.#pauses(...given);
      this.#clients.push(
        new Client(
          { ...options, pauses },
          {
            subscribed: (_, __, awayMs) => void this.#away.push(awayMs),
            event: () => undefined,
            lost: () => undefined,
          },
        ),
      );
    }
  }

  /** Another one takes its place once all are back: the three that are left carry them. */
  async #kill(): Promise<void> {
    await this.#instances.shift()?.kill();
    await sleep(200);
    await this.#whole();
    this.#instances.push(await this.#instance());
  }

  #cut(): void {
    for (const client of this.#clients) client.cut();
  }

  async #restartAll(): Promise<void> {
    for (let n = 0; n < PROCESSES; n += 1) {
      await this.#instances.shift()?.stop();
      this.#instances.push(await this.#instance());
      await this.#whole();
    }
  }
}
