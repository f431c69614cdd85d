import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMessage } from '@bufbuild/protobuf';
import fc from 'fast-check';
import {
  TwinResourceCreatedEventSchema,
  type TwinResourceUpdatedEvent,
} from '../../contract/events/twins/v1/resource_event_pb.js';
import type { ViewChange, ViewShard } from '../../twin/ports.ts';
import { createManualClock } from '../consumers/test-kit/index.ts';
import { ownIds } from '../events/schema-ids.ts';
import { inEvent } from '../events/wire.ts';
import { createPublisher, PAUSE_MS } from './publisher.ts';
import { fakeKafka, TOPICS } from './publisher-fake.rig.ts';

/**
 * Every instance takes the log in in batches of its own, and a section's change stands at the end of
 * a batch: so the view of whoever takes over says the same at other places than the former one did.
 */
const EPOCH = 'testtest';
const MEMBERS = 3;
const SECTIONS = ['clinical', 'care'] as const;

/** What one record sets its member's sections to; `undefined` leaves one as it is. */
interface Said {
  readonly member: number;
  readonly sets: readonly (string | undefined)[];
}

/** A leader: how much of the log its view has, where its batches end, and when it is killed. */
interface Leader {
  readonly records: number;
  readonly ends: readonly boolean[];
  readonly commits: number;
  /** Whether the transaction in which it was killed was committed. */
  readonly lastKept: boolean;
}

const value = fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined });
const said = fc.record({ member: fc.nat(MEMBERS - 1), sets: fc.tuple(value, value) });
const leader = fc.record({
  records: fc.integer({ min: 1, max: 30 }),
  ends: fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }),
  commits: fc.nat(6),
  lastKept: fc.boolean(),
});

test('P4, F3: leaders whose views batch otherwise, killed anywhere, tell each state once, in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(said, { minLength: 1, maxLength: 30 }),
      fc.array(leader, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 6 }),
      async (log, leaders, changesMax) => {
        const kafka = fakeKafka();
        for (const one of leaders) await reign(kafka, log, one, changesMax);
        const last = { ends: log.map(() => true), commits: Number.MAX_SAFE_INTEGER };
        await reign(kafka, log, { ...last, records: log.length, lastKept: true }, changesMax);
        const told = new Map<string, { etag: string; offset: number }[]>();
        for (const event of kafka.events().map(eventOf)) {
          const list = told.get(event.uri) ?? [];
          told.set(event.uri, [...list, event]);
        }
        for (const [uri, etag] of statesOf(log)) {
          const list = told.get(uri) ?? [];
          assert.equal(list.at(-1)?.etag, etag, `what ${uri} is in the end was not told`);
          for (const [index, { etag: next, offset }] of list.entries()) {
            const before = list[index - 1];
            assert.notEqual(next, before?.etag, `${uri} was told twice`);
            assert.ok(offset > (before?.offset ?? -1), `${uri} was told out of order`);
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});

async function reign(
  kafka: ReturnType<typeof fakeKafka>,
  log: readonly Said[],
  { records, ends, commits, lastKept }: Leader,
  changesMax: number,
): Promise<void> {
  const changes = viewOf(log.slice(0, records), ends);
  const clock = createManualClock(0);
  let left = commits;
  let alive = true;
  const publisher = createPublisher({
    ...{ topics: TOPICS, clock, transactionalId: 't', changesMax },
    client: {
      ...kafka.client,
      producer: () => {
        const producer = kafka.client.producer();
        return {
          ...producer,
          async begin() {
            const transaction = await producer.begin();
            const commit = async (): Promise<void> => {
              if (left > 0) left -= 1;
              else {
                alive = false;
                kafka.failures.push(() => lastKept);
              }
              await transaction.commit();
            };
            return { ...transaction, commit };
          },
        };
      },
    },
    leadership: {
      get leads() {
        return alive;
      },
      onGained(listener) {
        listener();
        return () => undefined;
      },
      onLost: () => () => undefined,
    },
    view: { epoch: EPOCH, partitions: 1, for: () => shardOf(log.slice(0, records), changes) },
    bus: { subscribe: () => () => undefined },
    onTrouble: () => undefined,
  });
  await publisher.start();
  // A transaction waits its turn after the one before.
  await clock.advance(PAUSE_MS * (changes.length + 10));
  await publisher.stop();
}

function shardOf(log: readonly Said[], changes: readonly ViewChange[]): ViewShard {
  const states = statesOf(log);
  const shard: Partial<ViewShard> = {
    changesAfter: after(changes),
    version: () => 1,
    applied: () => log.length - 1,
    stampOf(uri) {
      const etag = states.get(uri);
      return etag === undefined ? undefined : { etag, recorded: '' };
    },
  };
  return shard as ViewShard;
}

/** As a view: whole offsets, so some more than the limit. */
function after(changes: readonly ViewChange[]) {
  return (_: number, offset: number, limit: number): ViewChange[] => {
    const rest = changes.filter(({ place }) => place.offset > offset);
    const last = rest[limit - 1]?.place.offset ?? Number.MAX_SAFE_INTEGER;
    return rest.filter(({ place }) => place.offset <= last);
  };
}

function uriOf(member: number, section: number): string {
  return `mcp://twins/member/m${member}/${SECTIONS[section]}`;
}

function statesOf(log: readonly Said[]): Map<string, string> {
  const states = new Map<string, string>();
  for (const { member, sets } of log) {
    for (const [section, etag] of sets.entries()) {
      if (etag !== undefined) states.set(uriOf(member, section), `"${etag}"`);
    }
  }
  return states;
}

/** As `applyBatch` does it: what differs after a batch stands at its member's last record in it. */
function viewOf(log: readonly Said[], ends: readonly boolean[]): ViewChange[] {
  const changes: ViewChange[] = [];
  for (let from = 0; from < log.length; ) {
    const end = ends.indexOf(true, from);
    const to = Math.min(end === -1 ? log.length : end + 1, log.length);
    const before = statesOf(log.slice(0, from));
    for (const [uri, etag] of statesOf(log.slice(0, to))) {
      const member = Number(/\/m(\d)/.exec(uri)?.[1]);
      const own = log.slice(from, to).findLastIndex((one) => one.member === member);
      if (before.get(uri) === etag || own === -1) continue;
      const kind = before.has(uri) ? 'updated' : 'created';
      const place = { partition: 0, offset: from + own };
      const subject = { kind: 'member', id: `m${member}` } as const;
      const of = { tenant: 'demo', section: 'care', variant: 'general', at: 0 } as const;
      changes.push({ ...of, uri, subject, etag, kind, place });
    }
    from = to;
  }
  return changes.toSorted((a, b) => a.place.offset - b.place.offset);
}

function eventOf(record: ReturnType<ReturnType<typeof fakeKafka>['events']>[number]) {
  const { message } = inEvent(record, ownIds);
  const created = isMessage(message, TwinResourceCreatedEventSchema);
  const { uri, etag, position } = created ? message : (message as TwinResourceUpdatedEvent);
  return { uri, etag, offset: Number(position?.offset) };
}
