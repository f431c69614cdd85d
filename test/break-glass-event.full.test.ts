import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isMessage } from '@bufbuild/protobuf';
import {
  type NotificationRequestedEvent,
  NotificationRequestedEventSchema,
  NotificationUrgency,
} from '../src/contract/events/sessions/v1/notification_pb.js';
import { sleep } from '../src/kernel/clock.ts';
import { ownIds } from '../src/log/events/schema-ids.ts';
import { inEvent } from '../src/log/events/wire.ts';
import { committedRecords } from '../src/log/kafka/committed-records.rig.ts';
import { createKafkaClient } from '../src/log/kafka/create.ts';
import { breakGlass, fresh, post, WORDS } from './support/break-glass.ts';
import { type KafkaPart, kafka } from './support/parts.ts';
import { startServer, type TestServer } from './support/server.ts';

/** On a real Kafka: who has to hear of a case is told of each step, in an event without its words. */
const TOPIC = 'sessions.notification.requested';

let broker: KafkaPart;
let server: TestServer;

before(async () => {
  broker = await kafka();
  server = await startServer({ env: { KAFKA_BROKERS: broker.address } });
});
after(async () => {
  await server?.stop();
  await broker?.stop();
});

interface Asked {
  readonly event: NotificationRequestedEvent;
  readonly bytes: string;
}

async function asked(): Promise<Asked[]> {
  const client = createKafkaClient({ brokers: [broker.address], clientId: 'test' }, 'platformatic');
  const records = await committedRecords(client, TOPIC);
  await client.close();
  return records.map((record) => {
    const { message } = inEvent(record, ownIds);
    assert.ok(isMessage(message, NotificationRequestedEventSchema));
    const bytes = [record.key, record.value, JSON.stringify(record.headers)].join(' ');
    return { event: message, bytes };
  });
}

async function told(count: number): Promise<Asked[]> {
  for (let tries = 0; tries < 100; tries += 1) {
    const found = await asked();
    if (found.length >= count) return found;
    await sleep(200);
  }
  return await asked();
}

test('B-BG-5: the member and the privacy officers are told of opening, end and review', async () => {
  const eve = await fresh(server, 'eve');
  const opened = await breakGlass(server, eve, 'demo-cleo');
  assert.equal(opened.status, 201);
  const { id } = opened.body;
  const [first] = await told(2);
  assert.equal(first?.event.template, 'break-glass.opened');
  await post(server, eve, `/v1/break-glass/${id}/end`);
  const officer = await server.token('officer', { scope: 'audit:read breakglass' });
  const review = { outcome: 'justified' };
  assert.equal((await post(server, officer, `/v1/break-glass/${id}/review`, review)).status, 200);
  const found = await told(6);
  const said = found.map(({ event }) => `${event.template} ${event.recipient}`).sort();
  assert.deepEqual(said, [
    ...['ended', 'opened', 'reviewed'].flatMap((step) => [
      `break-glass.${step} member:demo-cleo#self`,
      `break-glass.${step} organization:demo#privacy_officer`,
    ]),
  ]);
  assert.equal(new Set(found.map(({ event }) => event.header?.id)).size, 6);
  for (const { event, bytes } of found) {
    assert.equal(event.member, 'demo-cleo');
    assert.equal(event.document, 'mcp://twins/member/demo-cleo/access-log');
    const isReview = event.template === 'break-glass.reviewed';
    const { HIGH, NORMAL } = NotificationUrgency;
    assert.equal(event.urgency, isReview ? NORMAL : HIGH);
    assert.ok(!bytes.includes(WORDS) && !bytes.includes('QUARTZPIT'), 'never the words');
  }
});
