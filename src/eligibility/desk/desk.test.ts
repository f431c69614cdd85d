import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../../kernel/errors.ts';
import type { AuditEntry, CheckStep, Principal } from '../../twin/ports.ts';
import {
  brokerOn,
  MemoryJournal,
  Payers,
  plainSettings,
  T0,
  VirtualClock,
} from '../broker/broker.rig.ts';
import type { KnownFact } from '../cache/rules.ts';
import { stepOf } from '../journal/steps.rig.ts';
import { CheckTable } from '../journal/table.ts';
import { createCheckDesk } from './desk.ts';

const principal: Principal = {
  ...{ kind: 'user', subject: 'ana', tenant: 'demo', clientId: 'app', scopes: new Set<string>() },
  ...{ issuer: 'i', tokenId: 't', expiresAtMs: T0 + 1e9 },
};
const caller = { principal, correlationId: 'c' };

async function rig(more: { allowed?: boolean; fact?: KnownFact; waitingMax?: number } = {}) {
  const { allowed = true, fact, waitingMax = 100 } = more;
  const [clock, journal] = [new VirtualClock(), new MemoryJournal()];
  const payers = new Payers(clock);
  const { broker } = await brokerOn(journal, payers, clock);
  const table = new CheckTable();
  const opened = journal.open();
  opened.onSteps((steps) => {
    for (const step of steps) table.apply(step);
  });
  const audited: AuditEntry[] = [];
  const held = new Map<string, CheckStep>();
  const counted: boolean[] = [];
  const { scheduler, lifeMs } = plainSettings({
    slots: 1,
    waitingMax: { live: waitingMax, async: waitingMax, batch: waitingMax },
  });
  const desk = createCheckDesk({
    ...{ journal: opened, table, broker, clock, secret: new Uint8Array(32) },
    board: { put: async () => undefined, get: async (id) => held.get(id) },
    subjects: {
      find: ({ serviceTypes }) => ({
        ...{ coverage: 'cov', coverageRecorded: '', dedupeKey: serviceTypes.join() },
        payer: { id: 'P', name: 'P', aliases: [], kind: 'commercial' as const },
        question: {
          payer: 'P',
          provider: { npi: '1', name: 'p' },
          subscriber: {},
          serviceTypes: ['30'],
        },
      }),
    },
    factOf: () => fact,
    access: { check: async () => [{ allowed, revision: 'r' }] },
    audit: { append: async (entry) => void audited.push(entry) },
    positionOf: () => 'position',
    settings: { scheduler, lifeMs },
    mode: () => 'events',
    metrics: {
      cache: (hit) => void counted.push(hit),
      waited: () => undefined,
      saved: () => ({ fromCache: 0, shared: 0, asked: 0, dollars: 0 }),
    },
  });
  return { desk, clock, journal, payers, audited, held, counted, table };
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => (error instanceof Fault ? error.code : String(error)),
  );

test('B-EL-28: by its age and mode a kept answer serves, or the payer is asked', async () => {
  const fact = { checkId: 'old', status: 'active', checkedAt: T0 - 30 * 3_600_000 } as const;
  const { desk, counted, payers, clock } = await rig({ fact });
  const kept = await desk.check(caller, { member: 'm', mode: 'PREFER_CACHE' });
  assert.deepEqual([kept.status, kept.checkId, kept.ageMs], ['cached', 'old', 30 * 3_600_000]);
  const capped = await desk.check(
    caller,
    { member: 'm', mode: 'PREFER_CACHE' },
    { maxAgeMs: 1_000 },
  );
  assert.equal(capped.status, 'processing');
  assert.equal((await desk.check(caller, { member: 'm' })).status, 'processing', 'no longer fresh');
  assert.deepEqual(counted, [true, false, false]);
  await clock.advance(2_000);
  assert.equal(payers.asked.length, 1, 'one call for both');
});

test('whoever may not is told what nobody is there to be told, and it is audited', async () => {
  const { desk, audited, journal } = await rig({ allowed: false });
  assert.equal(await codeOf(desk.check(caller, { member: 'm' })), 'NOT_FOUND');
  assert.deepEqual(
    audited.map(({ action, outcome }) => [action, outcome]),
    [['eligibility', 'denied']],
  );
  assert.equal(journal.steps.length, 0);
});

test('B-EL-31: where too many wait nothing is accepted, and the answer says how long it would take', async () => {
  const { desk, journal, payers, clock } = await rig({ waitingMax: 2 });
  payers.answer = () => ({ ms: 60_000, outcome: { kind: 'throttled', reached: 'no' } });
  for (const service of ['1', '2'])
    await desk.check(caller, { member: 'm', serviceTypes: [service] });
  const before = journal.steps.length;
  const refused = desk.check(caller, { member: 'm', serviceTypes: ['3'] });
  await assert.rejects(refused, (error: unknown) => {
    assert.ok(error instanceof Fault && error.code === 'RATE_LIMITED');
    assert.ok(Number(error.data.retryAfterMs) > 0);
    return true;
  });
  assert.equal(journal.steps.length, before);
  await clock.advance(1);
});

test('a check is its tenant’s; one that ended elsewhere is told though the journal does not', async () => {
  const { desk, held } = await rig();
  const { checkId } = await desk.check(caller, { member: 'm' });
  const other = { ...caller, principal: { ...principal, tenant: 'another' } };
  assert.equal(await codeOf(desk.report(other, checkId)), 'NOT_FOUND');
  assert.equal(await codeOf(desk.report(caller, 'unknown')), 'NOT_FOUND');
  held.set(checkId, stepOf(checkId, 'completed', { status: 'active', attempt: 1 }));
  const report = await desk.report(caller, checkId);
  assert.deepEqual([report.status, report.eligibility], ['completed', 'active']);
});

test('a request that is held hears of the end, or falls back when its time is over', async () => {
  const { desk, clock, payers } = await rig();
  const held = desk.check(caller, { member: 'm', waitMs: 10_000 });
  await clock.advance(1_200);
  assert.equal((await held).status, 'completed');
  payers.answer = () => ({ ms: 80_000, outcome: { kind: 'throttled', reached: 'no' } });
  const fell = desk.check(caller, { member: 'm', mode: 'REQUIRE_FRESH', waitMs: 5_000 });
  await clock.advance(5_001);
  assert.equal((await fell).status, 'processing');
});
