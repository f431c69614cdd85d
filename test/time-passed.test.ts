import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createHousekeeping } from '../src/log/housekeeping.ts';
import { openLogDatabase } from '../src/log/schema.ts';
import { openSpine, type Spine } from './support/spine.ts';

const ANA = { kind: 'member', id: 'ana' } as const;
const BEN = { kind: 'member', id: 'ben' } as const;
const URI = 'mcp://twins/member/ana';

const subject = { reference: 'Patient/ana' };
const PATIENT = { resourceType: 'Patient', id: 'ana', name: [{ family: 'Rivera' }] };
const PLAN = {
  resourceType: 'Coverage',
  id: 'v1',
  status: 'active',
  beneficiary: subject,
  payor: [{ display: 'Harbor Health Plan' }],
  period: { start: '2026-01-01', end: '2026-12-31' },
};
const TASK = {
  resourceType: 'Task',
  id: 't1',
  status: 'requested',
  intent: 'order',
  for: subject,
  description: 'Call the plan',
  restriction: { period: { end: '2026-06-30' } },
};
const VISIT = {
  resourceType: 'Appointment',
  id: 'a1',
  status: 'booked',
  start: '2026-06-10T22:00:00-05:00',
  participant: [{ status: 'accepted', actor: subject }],
};
const CONSENT = {
  resourceType: 'Consent',
  id: 'c1',
  status: 'active',
  scope: { coding: [{ code: 'patient-privacy' }] },
  category: [{ text: 'Sharing' }],
  patient: subject,
  provision: { type: 'permit', period: { end: '2026-09-30' } },
};
const ALL = [PATIENT, PLAN, TASK, VISIT, CONSENT];

function spineOn(day: string, log = openLogDatabase(':memory:')): Spine & { log: typeof log } {
  const spine = Object.assign(openSpine({ log }), { log });
  reach(spine, day);
  return spine;
}

function reach(spine: Spine, day: string): void {
  spine.now = Date.parse(`${day}T00:00:00Z`);
}

function passAll(spine: Spine): void {
  let more = true;
  while (more) more = spine.passTime();
}

/** A night, and every one that was missed: what has changed by it. */
function wakeOn(spine: Spine, day: string): string[] {
  reach(spine, day);
  const told = spine.changes.length;
  passAll(spine);
  return spine.changes
    .slice(told)
    .map(({ uri, variant }) => `${variant} ${uri.slice(URI.length)}`)
    .sort();
}

interface Said {
  readonly now?: string;
}

function said(spine: Spine, section: string, list: string): (string | undefined)[] {
  const document = spine.shard.document(`${URI}/${section}`, 'full');
  return ((document?.data[list] ?? []) as Said[]).map(({ now }) => now);
}

function timesTold({ log }: { readonly log: ReturnType<typeof openLogDatabase> }): string[] {
  return log
    .prepare("SELECT key FROM records WHERE key LIKE '%/TimePassed/%'")
    .all()
    .map(({ key }) => String(key));
}

test('B-TW-9: a plan that begins and ends is told on its days, and nothing else is', () => {
  const spine = spineOn('2025-11-01');
  for (const one of ALL) spine.submit(one);
  assert.deepEqual(said(spine, 'coverage', 'plans'), ['not begun']);
  assert.deepEqual(wakeOn(spine, '2025-12-31'), []);
  assert.deepEqual(wakeOn(spine, '2026-01-01'), ['full /coverage', 'general /coverage']);
  assert.deepEqual(said(spine, 'coverage', 'plans'), [undefined]);
  assert.deepEqual(wakeOn(spine, '2026-01-01'), []);
  assert.deepEqual(wakeOn(spine, '2026-06-11'), []);
  assert.deepEqual(wakeOn(spine, '2026-06-12'), ['full /care', 'general /care']);
  assert.deepEqual(said(spine, 'care', 'appointments'), ['past']);
  assert.deepEqual(wakeOn(spine, '2026-07-01'), ['full /care', 'general /care']);
  assert.deepEqual(said(spine, 'care', 'tasks'), ['overdue']);
  assert.deepEqual(wakeOn(spine, '2026-10-01'), ['full /profile', 'general /profile']);
  assert.deepEqual(said(spine, 'profile', 'consents'), ['ended']);
  assert.deepEqual(wakeOn(spine, '2027-01-01'), ['full /coverage', 'general /coverage']);
  assert.deepEqual(said(spine, 'coverage', 'plans'), ['ended']);
});

test('B-TW-9: after a pause of a year each subject is told once, and never again', () => {
  const spine = spineOn('2025-11-01');
  for (const one of ALL) spine.submit(one);
  const before = timesTold(spine).length;
  assert.ok(wakeOn(spine, '2027-06-01').length > 0);
  assert.equal(timesTold(spine).length, before + 1);
  assert.deepEqual(wakeOn(spine, '2027-06-01'), []);
  assert.deepEqual(wakeOn(spine, '2028-06-01'), []);
  assert.equal(timesTold(spine).length, before + 1);
});

test('B-TW-9: an import of old records tells a member once what day it is', () => {
  const spine = spineOn('2027-06-01');
  for (const one of ALL) spine.submit(one);
  spine.submit({ ...PLAN, id: 'v2', period: { start: '2019-01-01', end: '2019-12-31' } });
  assert.equal(timesTold(spine).length, 1);
  assert.deepEqual(said(spine, 'coverage', 'plans'), ['ended', 'ended']);
  assert.deepEqual(wakeOn(spine, '2027-06-02'), []);
});

test('B-TW-9: a twin that lived through the days equals one that was imported after them', () => {
  const old = { ...PLAN, meta: { lastUpdated: '2025-01-01T00:00:00Z' }, period: { end: '2030' } };
  const pieces = [...ALL, { ...old, id: 'v2' }, { ...TASK, id: 't2', status: 'completed' }];
  const days = fc.constantFrom(
    '2025-11-01',
    '2026-02-01',
    '2026-06-20',
    '2026-08-01',
    '2027-02-01',
  );
  fc.assert(
    fc.property(
      fc.shuffledSubarray(pieces, { minLength: pieces.length }),
      fc.array(days, { minLength: pieces.length, maxLength: pieces.length }),
      (records, at) => {
        const lived = spineOn('2025-10-01');
        for (const [index, day] of at.toSorted().entries()) {
          wakeOn(lived, day);
          lived.submit(records[index]);
        }
        wakeOn(lived, '2027-03-01');
        const late = spineOn('2027-03-01');
        for (const one of pieces) late.submit(one);
        const documents = ({ etags }: Spine) => (etags() as unknown[])[0];
        assert.deepEqual(documents(lived), documents(late));
      },
    ),
    { numRuns: 25 },
  );
});

test('B-TW-9: the day is nothing that anybody reads, finds or counts', () => {
  const spine = spineOn('2027-06-01');
  for (const one of ALL) spine.submit(one);
  const [{ accepted }, { accepted: again }] = [
    spine.submit({ ...TASK, id: 't9' }),
    spine.submit(TASK),
  ];
  assert.deepEqual([accepted, again], [1, 0]);
  assert.equal(spine.shard.source(ANA, 'TimePassed', 'clock'), undefined);
  const sections = new Map(
    (['profile', 'coverage', 'care', 'clinical', 'financial'] as const).map(
      (one) => [one, 'full'] as const,
    ),
  );
  const areas = [{ subject: ANA, sections }];
  const terms = ['time', 'passed', 'clock', '2027-06-01'];
  assert.deepEqual(spine.shard.search({ terms, areas, limit: 50 }), []);
  assert.doesNotMatch(JSON.stringify(spine.changes), /TimePassed/);
  for (const { data } of spine.shard.documents([ANA], '', 50)) {
    assert.doesNotMatch(JSON.stringify(data), /TimePassed|2027-06-01/);
  }
});

test('B-TW-9: a day that concerns a protected record only is not seen by whoever may not see it', () => {
  const spine = spineOn('2026-06-01');
  spine.submit(PATIENT);
  spine.submit({ ...TASK, meta: { security: [{ code: 'ETH' }] } });
  const asOf = () => spine.shard.document(`${URI}/coverage`, 'general')?.recorded;
  const before = asOf();
  assert.deepEqual(wakeOn(spine, '2026-07-01'), ['full /care']);
  assert.equal(asOf(), before);
});

test('B-TW-9: who was replaced is told no more; the survivor is', () => {
  const spine = spineOn('2026-06-01');
  for (const one of ALL) spine.submit(one);
  spine.submit({ resourceType: 'Patient', id: 'ben', name: [{ family: 'Rivera' }] });
  spine.submit({
    ...PATIENT,
    link: [{ other: { reference: 'Patient/ben' }, type: 'replaced-by' }],
  });
  const changed = wakeOn(spine, '2027-06-01');
  assert.ok(changed.length > 0);
  assert.deepEqual(spine.shard.documents([ANA], '', 9), []);
  const { plans = [] } =
    spine.shard.document('mcp://twins/member/ben/coverage', 'full')?.data ?? {};
  assert.deepEqual(
    (plans as Said[]).map(({ now }) => now),
    ['ended'],
  );
  assert.equal(spine.shard.tenantOf(BEN), 'demo');
});

test('B-TW-9: a log from before days were noted is gone through once', () => {
  const spine = spineOn('2026-06-01');
  for (const one of ALL) spine.submit(one);
  spine.log.exec(`DELETE FROM due; DELETE FROM meta WHERE name = 'due';
    DELETE FROM heads WHERE type = 'TimePassed'; DELETE FROM records WHERE key LIKE '%/TimePassed/%'`);
  const later = spineOn('2026-08-01', spine.log);
  assert.deepEqual(said(later, 'care', 'tasks'), [undefined]);
  passAll(later);
  assert.deepEqual(said(later, 'care', 'tasks'), ['overdue']);
  assert.deepEqual(said(later, 'coverage', 'plans'), [undefined]);
  assert.equal(timesTold(later).length, 1);
});

test('B-TW-9: a log looks for days that have come at its start, at midnight in UTC and each hour', async () => {
  const due: { atMs: number; task: () => void }[] = [];
  let nowMs = Date.parse('2026-06-30T22:30:00Z');
  let looked = 0;
  const house = createHousekeeping({
    compact: async () => undefined,
    wake: async () => false,
    sweep: async () => 0,
    passTime: async () => {
      looked += 1;
      return false;
    },
    clock: {
      now: () => nowMs,
      monotonic: () => nowMs,
      after(delayMs, task) {
        const timer = { atMs: nowMs + delayMs, task };
        due.push(timer);
        return { cancel: () => void due.splice(due.indexOf(timer), 1) };
      },
    },
    onError: (error) => assert.fail(String(error)),
  });
  await house.start();
  assert.equal(looked, 1);
  const times: string[] = [];
  while (nowMs < Date.parse('2026-07-01T02:00:00Z')) {
    const [next] = due.toSorted((a, b) => a.atMs - b.atMs);
    if (next === undefined) break;
    due.splice(due.indexOf(next), 1);
    nowMs = next.atMs;
    const before = looked;
    next.task();
    if (looked > before) times.push(new Date(nowMs).toISOString().slice(11, 16));
  }
  assert.deepEqual(times, ['23:30', '00:00', '01:00', '02:00']);
  house.stop();
});
