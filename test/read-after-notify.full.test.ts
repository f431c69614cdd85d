import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sleep } from '../src/kernel/clock.ts';
import { readDocument } from './support/ask.ts';
import { bundleOf, patient } from './support/changes.ts';
import { type Cluster, cluster } from './support/cluster.ts';
import { numberIn, profileOf } from './support/ledger.ts';
import { type ProxiedKafka, proxiedKafka, type RedisPart, redis } from './support/parts.ts';
import type { TestServer } from './support/server.ts';
import { etagOf, listen, type RawStream } from './support/streams.ts';

/**
 * P3: told of a change by one instance, a principal reads it at once on another one, whose way to
 * Kafka is slower, and never the value before: by floors that the instances share in Redis, or by
 * the position that the notification carries. Whoever was not told shows that the other one lags.
 */
const ROUNDS = 100;
const MEMBER = 'told-member';
const URI = profileOf(MEMBER);
const POSITION = 'io.digital-twin/position';
const MIN_POSITION = 'io.digital-twin/minPosition';
const SLOWER_MS = 15;
const HEARD_WITHIN_MS = 20_000;

interface Told {
  readonly etag: string;
  readonly position: string;
}

function suite(by: string, withRedis: boolean): void {
  describe(`read after notify across instances, by ${by}`, { timeout: 300_000 }, () => {
    let broker: ProxiedKafka;
    let store: RedisPart | undefined;
    let group: Cluster;
    let teller: TestServer;
    let laggard: TestServer;
    let number = 0;

    before(async () => {
      broker = await proxiedKafka(2);
      store = withRedis ? await redis() : undefined;
      group = await cluster({ ...broker.env, ...store?.env });
      const [fast, slow] = broker.proxies.map(({ address }) => ({ KAFKA_BROKERS: address }));
      teller = await group.start(undefined, fast);
      await say();
      for (const who of ['ana', 'cleo']) {
        await teller.relations('touch', `member:${MEMBER}#self@user:${who}`);
      }
      // A Redis that is empty when an instance first asks it is not believed for ten minutes.
      for (const who of ['ana', 'cleo']) await readable(teller, who);
      laggard = await group.start(undefined, slow);
      for (const who of ['ana', 'cleo']) await readable(laggard, who);
      broker.proxies[1]?.delay(SLOWER_MS);
    });
    after(async () => {
      await group?.stop();
      await store?.stop();
      await broker?.stop();
    });

    async function say(): Promise<void> {
      number += 1;
      const lastUpdated = new Date(Date.UTC(2026, 0, 1) + number * 1_000).toISOString();
      const name = [{ family: `Number-${number}-of`, given: ['Testa'] }];
      const response = await teller.importBundle(
        bundleOf(patient(MEMBER, { name, meta: { lastUpdated } })),
      );
      assert.equal(response.status, 201, await response.text());
    }

    async function readable(server: TestServer, as: string): Promise<void> {
      const token = await server.token(as);
      const look = () => readDocument(server, token, URI).catch(() => undefined);
      for (let tries = 0; (await look()) === undefined; tries += 1) {
        assert.ok(tries < 200, 'the member can be read');
        await sleep(50);
      }
    }

    it(`P3: ${ROUNDS} rounds, told by one, read on the other`, async (t) => {
      const stream = await listen(teller, await teller.token('ana'), [URI]);
      const [ana, cleo] = [await laggard.token('ana'), await laggard.token('cleo')];
      let behind = 0;
      for (let round = 0; round < ROUNDS; round += 1) {
        const before = stream.told.length;
        const said = say();
        const { etag, position } = await next(stream, before);
        const meta = withRedis ? {} : { [MIN_POSITION]: position };
        const [read, untold] = await Promise.all([
          readDocument(laggard, ana, URI, meta),
          readDocument(laggard, cleo, URI),
        ]);
        await said;
        assert.deepEqual([numberIn(read.data), read.etag], [number, etag], `round ${round}`);
        if (numberIn(untold.data) < number) behind += 1;
      }
      stream.close();
      t.diagnostic(`${behind} of ${ROUNDS} times, who was not told read the value before`);
      assert.ok(behind > 0, 'the other instance has lagged');
    });
  });
}

/** The newest that is told once something new is. */
async function next(stream: RawStream, before: number): Promise<Told> {
  const deadline = Date.now() + HEARD_WITHIN_MS;
  while (stream.told.length <= before) {
    assert.ok(Date.now() < deadline, 'told of the change');
    await sleep(1);
  }
  const meta = stream.told.at(-1)?.meta ?? {};
  return { etag: etagOf(meta), position: String(meta[POSITION]) };
}

suite('floors in Redis', true);
suite('the position of the notification', false);
