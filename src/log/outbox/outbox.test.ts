import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { sleep, systemClock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import type {
  BundleSubmission,
  EventDelivery,
  HeldReceipt,
  Intake,
  IntakeReceipt,
} from '../../twin/ports.ts';
import { submission } from '../test/bundles.ts';
import { type Outbox, type OutboxOptions, withOutbox } from './outbox.ts';

const RECEIPT: IntakeReceipt = {
  ...{ accepted: 1, unchanged: 0, stale: 0, waiting: 0, resumed: 0, refused: 0 },
  ...{ entries: [], members: [], ignored: {}, places: [{ partition: 3, offset: 7 }] },
};
const NOTHING = { count: 0, records: [] };

/** An intake that writes down what it took, and is away when told so. */
class FakeIntake implements Intake {
  away = false;
  readonly taken: string[] = [];
  decide: (eventId: string) => IntakeReceipt = () => RECEIPT;

  async submitBundle({ eventId, json, dryRun }: BundleSubmission): Promise<IntakeReceipt> {
    await this.#answering();
    if (dryRun === true) return RECEIPT;
    const receipt = this.decide(eventId);
    this.taken.push(`${eventId} ${Buffer.from(json).toString()}`);
    return receipt;
  }

  async submitRecord({ eventId, id }: Parameters<Intake['submitRecord']>[0]) {
    await this.#answering();
    this.taken.push(`${eventId} ${id}`);
    return { partition: 1, offset: 2 };
  }

  async held() {
    await this.#answering();
    return { waiting: { ...NOTHING, bytes: 0 }, refused: NOTHING };
  }

  async #answering(): Promise<void> {
    await sleep(0);
    if (this.away) throw new Fault('LOG_UNAVAILABLE');
  }
}

let dataDir: string;
let intake: FakeIntake;
let outbox: Outbox;
let delivery: EventDelivery;
let reported: unknown[];

async function open(more: Partial<OutboxOptions> = {}): Promise<void> {
  outbox = withOutbox(intake, {
    dataDir,
    clock: systemClock,
    delivery: () => Promise.resolve(delivery),
    onError: (error) => reported.push(error),
    ...more,
  });
  await outbox.start();
}

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'twin-outbox-'));
  intake = new FakeIntake();
  delivery = 'auto';
  reported = [];
  await open();
});
afterEach(async () => {
  await outbox.stop();
  await rm(dataDir, { recursive: true });
});

function send(eventId: string, more: Partial<BundleSubmission> = {}) {
  return outbox.submitBundle(submission(Buffer.from(`body of ${eventId}`), { eventId, ...more }));
}

function record(eventId: string, id = 'r1') {
  return outbox.submitRecord({
    ...{ tenant: 'demo', type: 'Session', id, resource: null, names: {}, eventId },
    ...{ subject: { kind: 'session', id }, provenance: { source: 'chat', actor: 'ana' } },
  });
}

const heldAs = (eventId: string): HeldReceipt => ({ held: true, eventId });
const bodyOf = (eventId: string): string => `${eventId} body of ${eventId}`;

async function drained(): Promise<void> {
  while (outbox.state().submissions > 0) await sleep(5);
}

async function holdThree(): Promise<void> {
  intake.away = true;
  for (const eventId of ['e1', 'e2', 'e3']) assert.deepEqual(await send(eventId), heldAs(eventId));
}

test('with the log there nothing is held', async () => {
  assert.deepEqual(await send('e1'), RECEIPT);
  assert.deepEqual(await record('e2'), { partition: 1, offset: 2 });
  assert.deepEqual(outbox.state(), { submissions: 0, bytes: 0, away: false, alive: true });
});

test('P2: while the log is away facts are held, and reach it in their order, each once', async () => {
  await holdThree();
  assert.deepEqual(await record('e4'), heldAs('e4'));
  assert.equal(outbox.state().submissions, 4);
  assert.equal(outbox.state().away, true);
  intake.away = false;
  await drained();
  assert.deepEqual(intake.taken, [...['e1', 'e2', 'e3'].map(bodyOf), 'e4 r1']);
  assert.deepEqual(outbox.state(), { submissions: 0, bytes: 0, away: false, alive: true });
  assert.deepEqual(await send('e5'), RECEIPT, 'and then the log answers itself again');
});

test('P4: what comes while something is held queues behind it, also once the log is back', async () => {
  await holdThree();
  intake.away = false;
  const late = ['e4', 'e5', 'e6'];
  await Promise.all(late.map((eventId) => send(eventId)));
  await drained();
  assert.deepEqual(intake.taken, ['e1', 'e2', 'e3', ...late].map(bodyOf));
});

test('with the log there, whoever queues behind what is held hears what became of it', async () => {
  await holdThree();
  intake.away = false;
  while (outbox.state().away) await sleep(1);
  intake.decide = (eventId) => {
    if (eventId === 'no') throw new Fault('REFUSED_INPUT', { data: { reason: 'missing' } });
    return RECEIPT;
  };
  const [taken, refused] = await Promise.allSettled([send('yes'), send('no')]);
  assert.deepEqual(taken, { status: 'fulfilled', value: RECEIPT });
  assert.equal(refused?.status === 'rejected' && (refused.reason as Fault).code, 'REFUSED_INPUT');
});

test('P2: what is held outlives the process', async () => {
  await holdThree();
  let left = 0;
  await outbox.stop();
  await open({ onLeft: ({ submissions }) => (left = submissions) });
  assert.equal(outbox.state().submissions, 3);
  await outbox.stop();
  assert.equal(left, 3, 'and the end says that something is left');
  intake.away = false;
  await open();
  await drained();
  assert.deepEqual(intake.taken, ['e1', 'e2', 'e3'].map(bodyOf));
});

test('B-IN-5: the same event again while it is held is held once', async () => {
  await holdThree();
  assert.deepEqual(await send('e2', { json: Buffer.from('another body') }), heldAs('e2'));
  assert.equal(outbox.state().submissions, 3);
  await record('e2');
  assert.equal(outbox.state().submissions, 4, 'a record has event ids of its own');
  await send('e2', { tenant: 'other' });
  assert.equal(outbox.state().submissions, 5, 'and so has another tenant');
});

test('P6: a dry run is never held, and says that the log is away', async () => {
  intake.away = true;
  await assert.rejects(send('e1', { dryRun: true }), { code: 'LOG_UNAVAILABLE' });
  assert.equal(outbox.state().submissions, 0);
});

test('what the log refuses for another reason than being away is not held', async () => {
  intake.decide = () => {
    throw new Fault('REFUSED_INPUT');
  };
  await assert.rejects(send('e1'), { code: 'REFUSED_INPUT' });
  assert.equal(outbox.state().submissions, 0);
});

test('event-delivery log: nothing is held, and nothing overtakes what was', async () => {
  await holdThree();
  delivery = 'log';
  await assert.rejects(send('e4'), { code: 'LOG_UNAVAILABLE' });
  intake.away = false;
  await drained();
  assert.deepEqual(await send('e4'), RECEIPT);
  intake.away = true;
  await assert.rejects(send('e5'), { code: 'LOG_UNAVAILABLE' });
  assert.deepEqual(intake.taken, ['e1', 'e2', 'e3', 'e4'].map(bodyOf));
});

test('event-delivery poll: everything is held, and nothing given on before the flag is', async () => {
  delivery = 'poll';
  assert.deepEqual(await send('e1'), heldAs('e1'));
  assert.deepEqual(await send('e2'), heldAs('e2'));
  assert.deepEqual(intake.taken, []);
  delivery = 'auto';
  await drained();
  assert.deepEqual(intake.taken, ['e1', 'e2'].map(bodyOf));
});

test('what the decider refuses is listed with its place and reason, and keeps nobody up', async () => {
  await holdThree();
  intake.decide = (eventId) => {
    if (eventId !== 'e2') return RECEIPT;
    const data = { entry: 4, line: 2, path: 'subject', reason: 'reference' };
    throw new Fault('REFUSED_INPUT', { data, detail: 'body of e2' });
  };
  const { outbox: own, logAway } = await outbox.held('demo');
  assert.deepEqual([own?.count, logAway], [3, true]);
  intake.away = false;
  await drained();
  assert.deepEqual(intake.taken, ['e1', 'e3'].map(bodyOf));
  const { refused, ...rest } = await outbox.held('demo');
  assert.deepEqual(Object.keys(rest), ['waiting']);
  const { at, ...one } = refused.records[0] ?? { at: '' };
  assert.match(at, /^\d{4}-/);
  const where = { type: '', line: 2, entry: 4, path: 'subject', reason: 'reference' };
  assert.deepEqual(one, { ...where, source: 'ehr', eventId: 'e2' });
  assert.equal(refused.count, 1);
  assert.deepEqual((await outbox.held('other')).refused, NOTHING, 'of another tenant nothing');
});

test('what meets a fault of ours is set aside whole, and tried again by the next start', async () => {
  await holdThree();
  let broken = true;
  intake.decide = (eventId) => {
    if (broken && eventId === 'e1') throw new Error('a bug');
    return RECEIPT;
  };
  intake.away = false;
  await drained();
  assert.deepEqual(intake.taken, ['e2', 'e3'].map(bodyOf));
  assert.equal(reported.length, 4, 'three tries, and what was done about it');
  const [aside] = (await outbox.held('demo')).refused.records;
  assert.deepEqual([aside?.eventId, aside?.reason], ['e1', 'internal']);
  broken = false;
  await outbox.stop();
  await open();
  await drained();
  assert.deepEqual(intake.taken, ['e2', 'e3', 'e1'].map(bodyOf));
  assert.equal((await outbox.held('demo')).refused.count, 0);
});

test('P6: it is bounded by count and by bytes; what does not fit is not acknowledged', async () => {
  await outbox.stop();
  await open({ bounds: { submissionsMax: 3, bytesMax: 2_000 } });
  await holdThree();
  await assert.rejects(send('e4'), { code: 'LOG_UNAVAILABLE' });
  assert.deepEqual(await send('e3'), heldAs('e3'), 'what is held already takes no more');
  await outbox.stop();
  await open({ bounds: { submissionsMax: 10, bytesMax: 2_000 } });
  await assert.rejects(send('e4', { json: Buffer.alloc(2_000) }), { code: 'LOG_UNAVAILABLE' });
  assert.deepEqual(await send('e4'), heldAs('e4'));
});
