import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../kernel/json.ts';
import type { Place, StoredSource } from '../../twin/ports.ts';
import type { Caller } from '../../twin/reader/index.ts';
import {
  ANSWERED,
  brokerOn,
  MemoryJournal,
  Payers,
  rejected,
  SILENT,
  VirtualClock,
} from '../broker/broker.rig.ts';
import { BROKER_DEFAULTS } from '../broker/settings.ts';
import type { Outcome } from '../ports.ts';
import { SCHEDULER_DEFAULTS } from '../scheduler/index.ts';
import { delayOf } from '../simulator/latency.ts';
import { seeded } from '../simulator/random.ts';
import { type EnrollmentParts, Enrollments } from './enrollments.ts';
import { enrollingOf } from './record.ts';

const SLOTS = 15;
const OLD_LIMIT_MS = 90_000;
const PEOPLE = 1_500;
/** A morning of open enrollment: 15 slots would do for 4.5 a second, were all payers well. */
const PER_SECOND = 3;
const PAYERS = 8;

/** One payer is slow, and one is out for the second to the seventh minute. */
function answerOf(
  payer: number,
  atMs: number,
  random: () => number,
): { ms: number; outcome: Outcome } {
  const isOut = payer === 3 && atMs > 60_000 && atMs < 420_000;
  const delay = delayOf(isOut ? 'outage' : payer === 2 ? 'slow' : 'normal', random);
  if (delay.instead === 'no-answer') return { ms: delay.ms, outcome: SILENT };
  const outcome = delay.instead === 'refused' ? rejected('42', 'R') : ANSWERED;
  return { ms: delay.ms, outcome };
}

/**
 * The old way: a request holds its caller for 90 s, queue and all; then, or when the payer says that
 * it cannot, it has failed. The slot stays taken until the clearinghouse lets go of it.
 */
function oldWay(seed: number): number {
  const random = seeded(seed);
  const slots = Array.from({ length: SLOTS }, () => 0);
  let succeeded = 0;
  for (let person = 0; person < PEOPLE; person += 1) {
    const arrived = (person / PER_SECOND) * 1_000;
    const [free = 0] = slots.toSorted((a, b) => a - b);
    const begins = Math.max(arrived, free);
    if (begins - arrived >= OLD_LIMIT_MS) continue;
    const { ms, outcome } = answerOf(person % PAYERS, begins, random);
    slots[slots.indexOf(free)] = begins + ms;
    if (outcome.kind === 'answered' && begins + ms - arrived < OLD_LIMIT_MS) succeeded += 1;
  }
  return succeeded / PEOPLE;
}

/** Records of members in memory, visible at once. */
function recordsOf() {
  const records = new Map<string, JsonObject>();
  const shard = {
    tenantOf: () => 'demo',
    source: ({ id: member }: { id: string }, type: string, id: string) => {
      const resource = records.get(`${member}/${type}/${id}`);
      return resource && ({ resource } as unknown as StoredSource);
    },
    facts: ({ subject }: { subject: { id: string } }) =>
      [...(byMember.get(subject.id) ?? [])].map((id) => ({
        uri: `mcp://twins/member/${subject.id}/coverage/EnrollmentRequest/${id}`,
      })),
  };
  const byMember = new Map<string, Set<string>>();
  const place: Place = { partition: 0, offset: 0 };
  return {
    records,
    parts: {
      view: { for: () => shard, partitionOf: () => 0, waitFor: async () => true } as never,
      intake: {
        submitRecord: async ({ subject, type, id, resource }) => {
          records.set(`${subject.id}/${type}/${id}`, resource ?? {});
          byMember.set(subject.id, (byMember.get(subject.id) ?? new Set()).add(id));
          return place;
        },
      },
    } satisfies Partial<EnrollmentParts>,
  };
}

async function newWay(
  seed: number,
): Promise<{ succeeded: number; waiting: number; openMax: number }> {
  const random = seeded(seed);
  const clock = new VirtualClock();
  const journal = new MemoryJournal();
  const payers = new Payers(clock);
  payers.answer = ({ payer }) => answerOf(Number(payer), clock.monotonic(), random);
  const settings = {
    ...BROKER_DEFAULTS,
    scheduler: { ...SCHEDULER_DEFAULTS, slots: SLOTS, holdMsMax: 95_000 },
  };
  const rig = await brokerOn(journal, payers, clock, { settings, random });
  const { records, parts } = recordsOf();
  const enrollments = new Enrollments({
    ...parts,
    ...{ clock, table: rig.table, journal: journal.open(), secret: new Uint8Array(32) },
    access: { check: async () => [{ allowed: true, revision: 'r' }] },
    audit: { append: async () => undefined },
    positionOf: () => 'p',
    report: (error) => assert.fail(String(error)),
    checks: {
      async check(_, { member }) {
        const [, number = '0'] = member.split('-');
        const payer = String(Number(number) % PAYERS);
        const until = clock.now() + settings.lifeMs.live;
        const asked = { tenant: 'demo', member, payer, dedupeKey: member, class: 'live' as const };
        await rig.accept(`check-${member}`, { ...asked, until });
        const about = { document: '', topic: 'rte-completion', expectedWaitMs: 0 } as const;
        return { checkId: `check-${member}`, status: 'processing', ...about };
      },
    },
  });
  const caller = { principal: { tenant: 'demo', subject: 's' } } as Caller;
  for (let person = 0; person < PEOPLE; person += 1) {
    await enrollments.submit(caller, { member: `m-${person}`, program: 'Open enrollment' });
    await clock.advance(1_000 / PER_SECOND);
  }
  for (let minute = 0; minute < 180; minute += 1) await clock.advance(60_000);
  const states = [...records.values()].map((one) => enrollingOf(one)?.steps.at(-1)?.state);
  const of = (state: string) => states.filter((one) => one === state).length;
  assert.equal(states.length, PEOPLE);
  return { succeeded: of('enrolled') / PEOPLE, waiting: of('pending'), openMax: payers.openMax };
}

test('B-EL-14: above 95 % of enrollments succeed at the first attempt, where 90 s of waiting gave 60 to 70 %', async (t) => {
  const seed = 7;
  const before = oldWay(seed);
  const { succeeded, waiting, openMax } = await newWay(seed);
  t.diagnostic(
    `old ${(100 * before).toFixed(1)} %, new ${(100 * succeeded).toFixed(1)} %, seed ${seed}`,
  );
  assert.ok(before > 0.55 && before < 0.75, `the old way: ${before}`);
  assert.ok(succeeded > 0.95, `the new way: ${succeeded}`);
  assert.deepEqual([waiting, openMax <= SLOTS], [0, true]);
});
