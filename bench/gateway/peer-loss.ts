import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../harness.ts';
import { Client, OWN_PAUSES } from './client.ts';
import { tokenOf } from './instances.ts';
import { type EventOf, eventsOfTurn, until } from './peer-turn.ts';
import { type Running, SECRET, type Side } from './sides.ts';

export interface Loss {
  /** Events that the server said it has. */
  readonly accepted: number;
  /** Of those, how many their one subscriber never heard, after it was back. */
  readonly lost: number;
  readonly twice: number;
  /** Clients that were told that what they missed cannot be told. */
  readonly unrecovered: number;
  readonly readyMs: number;
  readonly backP95Ms: number;
}

const CLIENTS = 500;
const RATE = 300;
const SECONDS = 8;
const KILLED_AFTER_MS = 3_000;
const AGAIN_MS = 100;
const TRIES = 200;
const BACK_WITHIN_MS = 60_000;
const QUIET_MS = 3_000;

/**
 * Events at a fixed rate, each repeated by who publishes it (with one idempotency key) until it is
 * accepted; the server is killed in the middle and started again at once. Clients come again with the
 * pauses of our SDK, on every side, and say from where they go on.
 */
export async function lostUnderKill(side: Side): Promise<Loss> {
  let server = await side.start();
  const ledger = new Ledger();
  try {
    await sleep(500);
    ledger.come(side, server);
    await until(() => ledger.allSubscribed, BACK_WITHIN_MS);
    ledger.away.length = 0;
    const publishing = published(() => server, ledger);
    await sleep(KILLED_AFTER_MS);
    const killedAt = performance.now();
    await server.kill();
    server = await side.start();
    const readyMs = performance.now() - killedAt;
    await publishing;
    await until(() => ledger.allSubscribed, BACK_WITHIN_MS);
    await sleep(QUIET_MS);
    return { ...ledger.compared(), readyMs, backP95Ms: percentile(ledger.away, 95) };
  } finally {
    ledger.end();
    await server.kill();
  }
}

class Ledger {
  readonly accepted = new Set<number>();
  readonly away: number[] = [];
  readonly #heard = new Map<number, number>();
  readonly #clients: Client[] = [];
  #unrecovered = 0;

  get allSubscribed(): boolean {
    return this.#clients.every((one) => one.isSubscribed);
  }

  come({ dialect }: Side, { url }: Running): void {
    for (let index = 0; index < CLIENTS; index += 1) {
      const channel = `m${index}`;
      const about = { index, url, dialect, channel, token: tokenOf(channel, SECRET) };
      const client = new Client(
        { ...about, pauses: OWN_PAUSES },
        {
          subscribed: (_, recovered, awayMs) => {
            this.away.push(awayMs);
            if (recovered === false) this.#unrecovered += 1;
          },
          event: (n) => void this.#heard.set(n, (this.#heard.get(n) ?? 0) + 1),
          lost: () => undefined,
        },
      );
      this.#clients.push(client);
    }
  }

  compared() {
    return {
      accepted: this.accepted.size,
      lost: [...this.accepted].filter((n) => !this.#heard.has(n)).length,
      twice: [...this.#heard.values()].filter((times) => times > 1).length,
      unrecovered: this.#unrecovered,
    };
  }

  end(): void {
    for (const client of this.#clients) client.close();
  }
}

async function published(server: () => Running, { accepted }: Ledger): Promise<void> {
  const eventOf = eventsOfTurn();
  const began = performance.now();
  const all: Promise<void>[] = [];
  while (all.length < RATE * SECONDS) {
    const due = Math.min(RATE * SECONDS, ((performance.now() - began) / 1_000) * RATE);
    while (all.length < Math.floor(due)) {
      all.push(repeated(server, eventOf, all.length, accepted));
    }
    await sleep(5);
  }
  await Promise.all(all);
}

async function repeated(
  server: () => Running,
  eventOf: EventOf,
  n: number,
  accepted: Set<number>,
): Promise<void> {
  const event = eventOf(`m${n % CLIENTS}`, n);
  for (let tries = 0; tries < TRIES; tries += 1) {
    if (await server().publish(event)) return void accepted.add(n);
    await sleep(AGAIN_MS);
  }
}
