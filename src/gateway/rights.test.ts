import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditEntry, Place, View, ViewChange } from '../twin/ports.ts';
import type { GatewayEvent } from './ports.ts';
import { createRights, type RightsParts, readyIn } from './rights.ts';
import { callOf, principalOf } from './streams/hub.rig.ts';

const ANA = principalOf('ana');
const URI = 'mcp://twins/member/ana/coverage';
const place = { epoch: 'abcdefgh', partition: 0, offset: 7 };

function room(more: Partial<RightsParts['reader']> = {}) {
  const [audited, raised]: [AuditEntry[], string[]] = [[], []];
  const applied = { offset: 6 };
  const waited: number[] = [];
  const parts: RightsParts = {
    reader: {
      variants: async (_, uris) => uris.map((uri) => (uri === URI ? 'general' : null)),
      readable: async (_, uris) => uris.map((uri) => uri === URI),
      recentChanges: () => [],
      ...more,
    },
    audit: { append: async (entry) => void audited.push(entry) },
    floors: {
      async raise(principal, uri, { offset }: Place) {
        raised.push(`${principal.subject} ${uri} ${offset}`);
      },
    },
    view: {
      ...{ epoch: 'abcdefgh', partitions: 1 },
      for: () => ({ applied: () => applied.offset }),
      async waitFor(_: Place, ms: number) {
        waited.push(ms);
        return false;
      },
    } as unknown as View,
    readWaitMs: 2_000,
  };
  return { parts, rights: createRights(parts), audited, raised, applied, waited };
}

const changed = (more: Partial<GatewayEvent> = {}): GatewayEvent =>
  callOf('e', 'ana', { topic: 'twins', uri: URI, needs: URI, variant: 'general', place, ...more });

test('B-GW-5: an event is for who may read what it is of, in its variant, of its tenant', async () => {
  const { rights } = room();
  const events = [
    changed(),
    changed({ variant: 'full' }),
    changed({ tenant: 'other' }),
    changed({ needs: 'mcp://twins/member/ana/clinical' }),
    callOf('c', 'ana', { needs: URI }),
  ];
  assert.deepEqual(await rights.mayKnow(ANA, events), [true, false, false, false, true]);
});

test('B-GW-9: who is granted the minimal variant is told only where that has changed', async () => {
  const change = { uri: URI, variant: 'minimal', place: { partition: 0, offset: 7 } } as ViewChange;
  const of = (changes: ViewChange[]) =>
    room({ variants: async () => ['minimal'], recentChanges: () => changes }).rights;
  assert.deepEqual(await of([change]).mayKnow(ANA, [changed()]), [true]);
  assert.deepEqual(await of([]).mayKnow(ANA, [changed()]), [false]);
  const elsewhere = { ...change, place: { partition: 0, offset: 6 } };
  assert.deepEqual(await of([elsewhere]).mayKnow(ANA, [changed()]), [false]);
});

test('P5 P3: before bytes leave, one record a tenant says who was told, and floors are raised', async () => {
  const { rights, audited, raised } = room();
  const other = principalOf('eve', { tenant: 'other' });
  const foreign = changed({ place: { ...place, epoch: 'other' } });
  await rights.told([
    { principal: ANA, connection: '1.1', event: changed() },
    { principal: ANA, connection: '1.2', event: callOf('c', 'ana') },
    { principal: other, connection: '1.3', event: foreign },
  ]);
  assert.deepEqual(
    audited.map(({ receivers }) => receivers?.map(({ stream }) => stream)),
    [['1.1', '1.2'], ['1.3']],
  );
  assert.deepEqual(raised, [`ana ${URI} 7`], 'nothing of a log that this view does not know');
});

test('B-GW-4: what announces a fact waits for the view, for what is left of its time', async () => {
  const { parts, applied, waited } = room();
  let now = 10_000;
  const ready = readyIn(parts, { monotonic: () => now });
  await ready(changed(), now);
  now += 1_500;
  await ready(changed(), 10_000);
  now += 1_000;
  assert.equal(ready(changed(), 10_000), undefined, 'its time is over');
  applied.offset = 7;
  assert.equal(ready(changed(), now), undefined, 'it is there');
  assert.equal(ready(changed({ place: { ...place, epoch: 'other' } }), now), undefined);
  assert.equal(ready(changed({ place: { ...place, partition: 9 } }), now), undefined);
  assert.deepEqual(waited, [2_000, 500]);
});

test('B-GW-63: T17 what was not told is in the audit, one record for each type', async () => {
  const { rights, audited } = room();
  const of = (id: string, type: string) => ({
    ...{ principal: ANA, connection: '1.1', event: callOf(id, 'ana', { type }) },
  });
  await rights.withheld([of('a', 'call.join'), of('b', 'call.join'), of('c', 'call.accepted')]);
  const what = [{ uri: 'mcp://twins/member/ana/care' }];
  assert.deepEqual(
    audited.map(({ action, outcome, why, count, what: of }) => [action, outcome, why, count, of]),
    [
      ['notify', 'denied', 'not told, expired: call.join', 2, what],
      ['notify', 'denied', 'not told, expired: call.accepted', 1, what],
    ],
  );
});
