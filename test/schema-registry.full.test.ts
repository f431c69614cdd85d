import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { create, type DescMessage, type MessageShape, toJson } from '@bufbuild/protobuf';
import { CallJoinEventSchema } from '../src/contract/events/calls/v1/call_pb.js';
import { RteTimedOutEventSchema } from '../src/contract/events/rte/v1/completion_pb.js';
import { TwinResourceUpdatedEventSchema } from '../src/contract/events/twins/v1/resource_event_pb.js';
import { SourceRecordSchema } from '../src/contract/events/twins/v1/source_pb.js';
import { fakeRegistry } from '../src/log/events/fake-registry.rig.ts';
import {
  createRegistry,
  decodeSubmission,
  encodeSource,
  inMessage,
  type OutMessage,
  outMessage,
  ownIds,
} from '../src/log/events/index.ts';
import type { KafkaClient } from '../src/log/kafka/client.ts';
import { committedRecords } from '../src/log/kafka/committed-records.rig.ts';
import { createKafkaClient } from '../src/log/kafka/create.ts';
import { topicSpecs } from '../src/log/kafka/topics.ts';
import type { SourceRecord } from '../src/twin/ports.ts';
import { cached } from '../tools/parts/cache.ts';
import { execute } from '../tools/parts/programs.ts';
import { sharedKafka } from './support/parts.ts';
import { startServer, type TestServer } from './support/server.ts';

const CLIENT = 'confluent-kafka[protobuf,schemaregistry]==2.16.1';
const SCRIPT = join(import.meta.dirname, 'support', 'confluent.py');

describe("Confluent's own client, with our server as its registry", { timeout: 300_000 }, () => {
  let client: KafkaClient;
  let server: TestServer;
  let python: string;
  let brokers: string;
  let topics: { readonly read: string; readonly written: string };

  before(async () => {
    const shared = await sharedKafka();
    brokers = shared.address;
    topics = { read: `${shared.prefix}read`, written: `${shared.prefix}written` };
    client = createKafkaClient({ brokers: [brokers], clientId: 'registry' }, 'platformatic');
    const spec = { partitions: 1, replication: 1, configs: {} };
    await client.admin.create(Object.values(topics).map((topic) => ({ ...spec, topic })));
    [server, python] = await Promise.all([startServer(), bringPython()]);
  });

  after(async () => {
    await server?.stop();
    await client?.admin.remove(Object.values(topics));
    await client?.close();
  });

  it('B-EV-1, B-EV-5: reads every kind of record, by the schemas it is told and the frame alone', async () => {
    const expected: { key: string; name: string; value: unknown }[] = [];
    const sent: OutMessage[] = [];
    const add = <D extends DescMessage>(schema: D, out: OutMessage, message: MessageShape<D>) => {
      const { typeName: name } = schema;
      expected.push({ key: out.key.toString(), name, value: toJson(schema, message) });
      sent.push({ ...out, headers: {} });
    };
    const source = encodeSource(RECORD, FACTS);
    add(SourceRecordSchema, source, inMessage(SourceRecordSchema, source, ownIds));
    const event = <D extends DescMessage>(schema: D, message: MessageShape<D>): void => {
      add(schema, outMessage(schema, 'm1', message, ownIds), message);
    };
    const header = { id: 'e1', member: 'm1', tenant: 'demo', time: { seconds: 1_790_000_000n } };
    event(
      TwinResourceUpdatedEventSchema,
      create(TwinResourceUpdatedEventSchema, {
        header,
        uri: 'mcp://twins/member/m1/coverage',
        variant: 1,
        position: { epoch: 'abcdefgh', partition: 3, offset: 2n ** 60n },
      }),
    );
    event(
      RteTimedOutEventSchema,
      create(RteTimedOutEventSchema, { header, checkId: 'c1', waited: { seconds: 30n } }),
    );
    event(
      CallJoinEventSchema,
      create(CallJoinEventSchema, { header, callId: 'v1', data: Buffer.from('{"a":1}') }),
    );
    const producer = client.producer();
    await producer.open();
    await producer.send(sent.map((one) => ({ ...one, topic: topics.read, partition: 0 })));
    await producer.close();

    const count = String(expected.length);
    const printed = await confluent(['read', registryUrl(), brokers, topics.read, count]);
    const read = printed
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    assert.deepEqual(read, expected);
  });

  it('B-EV-5: writes a submission that we read, with an id it was told and without registering', async () => {
    const submission = {
      header: { id: 'e7', tenant: 'demo' },
      provenance: { source: 'ehr', actor: 'ehr' },
      bundle: { format: 'BODY_FORMAT_JSON', body: Buffer.from('{}').toString('base64') },
    };
    const args = [registryUrl(), brokers, topics.written, 'twins.intake', 'twins.v1.Submission'];
    await confluent(['write', ...args], JSON.stringify(submission));
    const [record] = await committedRecords(client, topics.written);
    assert.ok(record !== undefined);
    assert.equal(record.value?.readInt32BE(1), ownIds.idOf('twins.v1.Submission'));
    assert.deepEqual(record.headers, {});
    const { body, ...rest } = asBundle(decodeSubmission(record));
    assert.equal(Buffer.from(body).toString(), '{}');
    assert.deepEqual(rest, {
      kind: 'bundle',
      tenant: 'demo',
      source: 'ehr',
      actor: 'ehr',
      eventId: 'e7',
      format: 'json',
      gzip: false,
      dryRun: false,
      part: { index: 0, count: 1 },
    });
  });

  it('and our own client of a registry finds in it what it would register', async () => {
    const registry = createRegistry({ url: registryUrl() });
    await registry.start();
    for (const name of ['twins.v1.Submission', 'rte.v1.RteCompletedEvent']) {
      assert.equal(registry.idOf(name), ownIds.idOf(name));
    }
  });

  function registryUrl(): string {
    return `${server.url}/schemas`;
  }

  function confluent(args: readonly string[], input = ''): Promise<string> {
    return execute(python, [SCRIPT, ...args], { input });
  }
});

describe("a company's registry", { timeout: 120_000 }, () => {
  it('is given our schemas at start, and its ids stand in what we write', async (t) => {
    const fake = await fakeRegistry();
    t.after(() => fake.stop());
    const { env, address, prefix } = await sharedKafka();
    const client = createKafkaClient({ brokers: [address], clientId: 'raw' }, 'platformatic');
    t.after(async () => {
      await client.admin.remove(await topicsOf(client, prefix));
      await client.close();
    });
    const url = fake.url.replace('//', '//twin:hush@');
    const server = await startServer({ env: { ...env, DEMO: 'off', SCHEMA_REGISTRY_URL: url } });
    try {
      const patient = { resourceType: 'Patient', id: 'reg-1', name: [{ family: 'Example' }] };
      assert.equal((await server.importBundle(JSON.stringify(patient))).status, 201);
      const found = await committedRecords(client, `${prefix}twins.sources`);
      const held = fake.subjects.get(`${prefix}twins.sources-value`)?.[0];
      assert.ok(held !== undefined && found.length > 0);
      for (const { value } of found) assert.equal(value?.readInt32BE(1), held.id);
      assert.doesNotMatch(server.output(), /hush/);
    } finally {
      await server.stop();
    }
  });

  it('that does not answer is named at start, without its password', async () => {
    const { env } = await sharedKafka();
    const url = 'http://twin:hush@127.0.0.1:1';
    const started = startServer({ env: { ...env, SCHEMA_REGISTRY_URL: url } });
    await assert.rejects(started, (error) => {
      assert.ok(error instanceof Error);
      assert.match(error.message, /SCHEMA_REGISTRY_URL does not answer/);
      assert.doesNotMatch(error.message, /hush/);
      return true;
    });
  });
});

async function topicsOf(client: KafkaClient, prefix: string): Promise<string[]> {
  const specs = topicSpecs({ prefix, partitions: 1, replication: 1 });
  return (await client.admin.describe(specs.map(({ topic }) => topic))).map(({ topic }) => topic);
}

/** A virtual environment with the client, once for all runs. */
async function bringPython(): Promise<string> {
  const say = (text: string): void => void process.stderr.write(`# ${text}\n`);
  const folder = await cached('python-confluent-kafka-2.16.1', say, async (directory) => {
    say("bringing Confluent's Python client");
    await execute('python3', ['-m', 'venv', directory]);
    await execute(join(directory, 'bin', 'python'), ['-m', 'pip', 'install', '-q', CLIENT]);
  });
  return join(folder, 'bin', 'python');
}

function asBundle(submission: ReturnType<typeof decodeSubmission>) {
  assert.ok(submission.kind === 'bundle');
  return submission;
}

const RECORD: SourceRecord = {
  tenant: 'demo',
  subject: { kind: 'member', id: 'm1' },
  type: 'Condition',
  id: 'c1',
  resource: { resourceType: 'Condition', code: { text: 'Größe 🧪' } },
  names: { 'Practitioner/x': 'Dr. Eve' },
  provenance: { source: 'ehr', actor: 'user:ana', recorded: '2026-01-02T03:04:05.678Z' },
  eventId: 'e1',
};

const FACTS = {
  hash: 'h',
  lastUpdatedMs: 1_700_000_000_000,
  mentions: ['Practitioner/x'],
  identifiers: [{ system: 's', value: '1' }],
};
