/** What a decider writes down is enough to become it: properties, for a few runs or many. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  bundleOf,
  collectionOf,
  condition,
  deletionOf,
  encounter,
  patient,
  practitioner,
} from '../test/bundles.ts';
import type { KafkaRecord } from './client.ts';
import {
  type Decider,
  decide,
  knowledge,
  NOW,
  newDecider,
  readInto,
  rename,
  Topics,
  topics,
} from './restore.rig.ts';

const people = fc.constantFrom('ana', 'ben');
/** Plan and record numbers, which rows of identifiers are named by. */
const numbers = fc
  .subarray(['TELLING-1', 'TELLING-2', 'TELLING-3'])
  .map((values) => values.map((value) => ({ system: 'urn:plan', value })));
const entry = fc.oneof(
  people.map((id) => patient(id)),
  fc.tuple(people, numbers).map(([id, identifier]) => patient(id, { identifier })),
  people.map((id) => patient(id, { birthDate: '1971-01-01' })),
  fc
    .tuple(fc.constantFrom('c1', 'c2'), people, fc.constantFrom('Asthma', 'Gout'))
    .map(([id, of, text]) => condition(id, of, text)),
  fc
    .tuple(fc.constantFrom('e1', 'e2'), people, fc.constantFrom('dr', 'dx'))
    .map(([id, of, by]) => encounter(id, of, by)),
  fc
    .tuple(fc.constantFrom('dr', 'dx'), fc.constantFrom('Moss', 'Stone'))
    .map(([id, name]) => practitioner(id, name)),
);
const gone = ['Condition/c1', 'Encounter/e1', 'Practitioner/dr', 'Patient/ana', 'Patient/ben'];
const bundle = fc.oneof(
  fc.array(entry, { minLength: 1, maxLength: 6 }).map((entries) => collectionOf(...entries)),
  fc.array(entry, { minLength: 1, maxLength: 3 }).map((entries) => bundleOf(...entries)),
  fc.constantFrom(...gone).map((of) => deletionOf(of)),
);
const history = fc.array(fc.array(bundle, { maxLength: 4 }), { maxLength: 5 });

let at = NOW;
export function decideAll(
  decider: Decider,
  transactions: readonly Uint8Array[][],
  into: Topics,
): void {
  for (const bundles of transactions) {
    at += 1_000;
    into.write(decide(decider, bundles, at));
  }
}

function restored(records: readonly KafkaRecord[], secret?: Uint8Array<ArrayBuffer>): Decider {
  const fresh = newDecider(secret);
  readInto(fresh, records);
  return fresh;
}

function assertSame(one: Decider, other: Decider, known = knowledge): void {
  assert.deepEqual(known(one.db), known(other.db));
}

function close(...deciders: readonly Decider[]): void {
  for (const { store } of deciders) store.close();
}

/** @param numRuns of each property */
export function testRestoring(numRuns: number): void {
  test('P4: a standby that takes in what was written knows what the decider knows', () => {
    fc.assert(
      fc.property(history, (transactions) => {
        const [active, standby, log] = [newDecider(), newDecider(), new Topics()];
        for (const one of transactions) {
          const from = log.records.length;
          decideAll(active, [one], log);
          readInto(standby, log.records.slice(from));
        }
        assertSame(standby, active);
        close(active, standby);
      }),
      { numRuns },
    );
  });

  test('P4: of compacted topics a state comes that equals the one that lived, deletions and all', () => {
    const compaction = fc.infiniteStream(fc.boolean());
    fc.assert(
      fc.property(history, history, compaction, (before, after, kept) => {
        const [active, log] = [newDecider(), new Topics()];
        decideAll(active, before, log);
        const seen = log.records.length;
        // It stood still while the other one went on, and reads on what compaction has left.
        const late = restored(log.records);
        decideAll(active, after, log);
        const keep = () => kept.next().value;
        const left = log.compacted(keep, true);
        const rest = new Set(log.records.slice(seen));
        readInto(
          late,
          left.filter((one) => rest.has(one)),
        );
        assertSame(late, active);
        const anew = restored(left);
        assertSame(anew, active);
        const withoutTombstones = restored(log.compacted(keep, false));
        assertSame(withoutTombstones, active, whatIsThere);
        close(active, late, anew, withoutTombstones);
      }),
      { numRuns },
    );
  });

  for (const before of ['keys that told', 'keys of another secret'] as const) {
    test(`P4, P9: after ${before}, whoever leads writes each row anew, and none is lost or there twice`, () => {
      const most = fc.integer({ min: 1, max: 20 });
      const compaction = fc.infiniteStream(fc.boolean());
      fc.assert(
        fc.property(history, history, most, compaction, (old, since, many, kept) => {
          const told = before === 'keys that told';
          const [first, log] = [newDecider(new Uint8Array(32).fill(told ? 0 : 9)), new Topics()];
          for (const bundles of old) {
            at += 1_000;
            const messages = decide(first, bundles, at);
            if (told) log.writeBefore(messages);
            else log.write(messages);
          }
          const keep = () => kept.next().value;
          const second = restored(log.compacted(keep, true));
          const standby = restored(log.records);
          const from = log.records.length;
          for (;;) {
            const renaming = rename(second, many);
            if (renaming.length === 0) break;
            log.write(renaming);
          }
          assertSame(second, first, told ? knowledge : withoutKeys);
          decideAll(second, since, log);
          readInto(standby, log.records.slice(from));
          assertSame(standby, second);
          const left = log.compacted(() => false, false);
          const third = restored(left);
          assertSame(third, second, whatIsThere);
          const names = left.filter(({ topic }) => topic === topics.decider);
          for (const { key } of names) assert.match(String(key), /^r1\./);
          close(first, second, standby, third);
        }),
        { numRuns },
      );
    });
  }
}

/** Of what is gone, only that it was there goes with its tombstone. */
function whatIsThere(...[db]: Parameters<typeof knowledge>) {
  const { heads, ...tables } = knowledge(db);
  return { ...tables, heads: (heads as { gone: number }[]).filter((one) => one.gone === 0) };
}

function withoutKeys(...[db]: Parameters<typeof knowledge>) {
  return { ...knowledge(db), row_keys: [] };
}
