import assert from 'node:assert/strict';
import { fromJson } from '@bufbuild/protobuf';
import { CallReadyEventSchema } from '../../src/contract/events/calls/v1/call_pb.js';
import type { StreamPlace } from '../../src/contract/frames.ts';
import { sleep } from '../../src/kernel/clock.ts';
import { ownIds } from '../../src/log/events/index.ts';
import { outMessage } from '../../src/log/events/wire.ts';
import type { KafkaProducer } from '../../src/log/kafka/client.ts';
import { dial, ofMember, type RealtimeClient } from './realtime.ts';
import type { TestServer } from './server.ts';

const EVERYTHING_WITHIN_MS = 60_000;
const BETWEEN_ROUNDS_MS = 100;

interface Receipt {
  readonly member: string;
  readonly number: number;
}

/** Somebody who is subscribed, comes again wherever a server is, and writes down what they hear. */
class Listener {
  readonly member: string;
  readonly receipts: Receipt[] = [];
  /** Streams that could not be told whole. */
  readonly unrecovered: string[] = [];
  reconnects = -1;
  #place: StreamPlace | undefined;
  #client: RealtimeClient | undefined;
  #stopped = false;
  /** On which servers it has been. */
  readonly servers = new Set<string>();

  constructor(member: string) {
    this.member = member;
  }

  /** @param next which server to try now */
  async run(next: () => TestServer, onStarted: () => void): Promise<void> {
    while (!this.#stopped) {
      const server = next();
      // Each server is the audience of its tokens; one that was killed gives none.
      const token = await server.token(`u-${this.member}`).catch(() => undefined);
      if (token === undefined) continue;
      const client = dial(server, token);
      this.#client = client;
      client.socket.on('message', (data) => {
        this.servers.add(server.url);
        this.#heard(String(data), onStarted);
      });
      this.reconnects += 1;
      const since = this.#place === undefined ? {} : { since: this.#place };
      const filters = ofMember(this.member);
      client.socket.once('open', () =>
        client.say({
          type: 'subscribe',
          id: 's',
          topics: ['call-notifications'],
          filters,
          ...since,
        }),
      );
      while (!this.#stopped && client.closed === undefined) await sleep(20);
      await sleep(Math.random() * 300);
    }
  }

  #heard(text: string, onStarted: () => void): void {
    const message = JSON.parse(text);
    if (message.type === 'subscribed') {
      const [start] = message.streams;
      if (!start.recovered) this.unrecovered.push(start.reason);
      this.#place ??= { epoch: start.epoch, offset: start.offset };
      onStarted();
    }
    if (message.type === 'gap') this.unrecovered.push(message.reason);
    if (message.offset === undefined || !message.type.includes('.')) return;
    this.#place = { epoch: message.epoch, offset: message.offset };
    const [member = '', number] = String(message.data.callId).split('/');
    this.receipts.push({ member, number: Number(number) });
  }

  stop(): void {
    this.#stopped = true;
    this.#client?.close();
  }
}

/** Says the event of this number of a member, and answers once it is sure to be told. */
export type Publish = (member: string, number: number) => Promise<void>;

/**
 * By a server that is there all the time.
 * @param run another one for each ledger: an id that was said before has no effect
 */
export function overHttp(server: TestServer, run: string): Publish {
  const scope = 'events:publish:call.ready';
  let token: Promise<string> | undefined;
  return async (member, number) => {
    token ??= server.token('operator', { scope });
    const body = { type: 'call.ready', member, id: `${run}-${member}-${number}` };
    for (;;) {
      const response = await server.fetch(await token, '/v1/events', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...body, data: { callId: `${member}/${number}` } }),
      });
      if (response.status === 201) return;
      assert.equal(response.status, 503, await response.text());
      await sleep(200);
    }
  };
}

/** As a backend does that knows nothing of any server. */
export function onKafka(producer: KafkaProducer, topic: string, run: string): Publish {
  return async (member, number) => {
    const id = `${run}-${member}-${number}`;
    const time = new Date().toISOString();
    const header = { id, type: 'call.ready', tenant: 'demo', member, time };
    const callId = `${member}/${number}`;
    const message = fromJson(CallReadyEventSchema, { header, member, callId });
    await producer.send([{ topic, ...outMessage(CallReadyEventSchema, member, message, ownIds) }]);
  };
}

/** Numbered events of members, and what each of their listeners heard of them. */
export class RealtimeLedger {
  readonly #members: readonly string[];
  readonly #publish: Publish;
  readonly #published = new Map<string, number>();
  readonly #listeners: Listener[] = [];
  #servers: readonly TestServer[] = [];
  #next = 0;

  constructor(members: readonly string[], publish: Publish) {
    this.#members = members;
    this.#publish = publish;
  }

  /** So many listeners of each member, spread over the servers; resolves when all are subscribed. */
  async connect(servers: readonly TestServer[], each: number): Promise<void> {
    this.#servers = servers;
    const started: Promise<void>[] = [];
    for (const member of this.#members) {
      for (let count = 0; count < each; count += 1) {
        const listener = new Listener(member);
        this.#listeners.push(listener);
        started.push(new Promise((resolve) => void listener.run(() => this.#server(), resolve)));
      }
    }
    await Promise.all(started);
  }

  use(servers: readonly TestServer[]): void {
    this.#servers = servers;
  }

  #server(): TestServer {
    this.#next += 1;
    const server = this.#servers[this.#next % this.#servers.length];
    assert.ok(server);
    return server;
  }

  /** One event of each member a round, in the order of their numbers. */
  async publishUntil(stopped: () => boolean): Promise<void> {
    for (let number = 1; !stopped(); number += 1) {
      await Promise.all(this.#members.map((member) => this.#publishOne(member, number)));
      await sleep(BETWEEN_ROUNDS_MS);
    }
  }

  async #publishOne(member: string, number: number): Promise<void> {
    await this.#publish(member, number);
    this.#published.set(member, number);
  }

  async everythingHeard(): Promise<void> {
    const deadline = Date.now() + EVERYTHING_WITHIN_MS;
    const missing = () =>
      this.#listeners.filter(
        ({ member, receipts }) => receipts.length < (this.#published.get(member) ?? 0),
      );
    while (missing().length > 0) {
      const [one] = missing();
      const heard = `${one?.member}: ${one?.receipts.length} of ${this.#published.get(one?.member ?? '')}`;
      assert.ok(Date.now() < deadline, `${missing().length} have not heard everything; ${heard}`);
      await sleep(50);
    }
  }

  /** No loss, no repetition, no other order, nothing of anybody else. */
  verify(): {
    readonly published: number;
    readonly reconnects: number;
    readonly servers: number;
  } {
    for (const { member, receipts, unrecovered } of this.#listeners) {
      assert.deepEqual(unrecovered, [], `${member} was told of a gap`);
      const expected = Array.from({ length: this.#published.get(member) ?? 0 }, (_, n) => ({
        member,
        number: n + 1,
      }));
      assert.deepEqual(receipts, expected);
    }
    const published = [...this.#published.values()].reduce((sum, count) => sum + count, 0);
    const reconnects = this.#listeners.reduce((sum, one) => sum + one.reconnects, 0);
    const servers = new Set(this.#listeners.flatMap((one) => [...one.servers])).size;
    return { published, reconnects, servers };
  }

  /** Somebody has heard the newest event of each member. */
  async newestHeard(): Promise<void> {
    const deadline = Date.now() + EVERYTHING_WITHIN_MS;
    const isBehind = ({ member, receipts }: Listener) =>
      receipts.at(-1)?.number !== this.#published.get(member);
    while (this.#listeners.some(isBehind)) {
      assert.ok(Date.now() < deadline, 'somebody does not hear the newest event');
      await sleep(50);
    }
  }

  /** Where streams begin anew: whoever misses something was told so, and the rest holds as ever. */
  verifyGaps(): { readonly gaps: number } {
    for (const { member, receipts, unrecovered } of this.#listeners) {
      const numbers = receipts.map(({ number }) => number);
      assert.ok(receipts.every((receipt) => receipt.member === member));
      assert.deepEqual(
        numbers,
        [...new Set(numbers)].toSorted((a, b) => a - b),
      );
      assert.ok(unrecovered.every((reason) => reason === 'epoch_changed'));
      const isWhole = numbers.length === this.#published.get(member);
      assert.ok(isWhole || unrecovered.length > 0, `${member} misses something unsaid`);
    }
    return { gaps: this.#listeners.reduce((sum, one) => sum + one.unrecovered.length, 0) };
  }

  close(): void {
    for (const listener of this.#listeners) listener.stop();
  }
}
