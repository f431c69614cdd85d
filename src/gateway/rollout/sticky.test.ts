import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ROLLOUT_FLAG_NAMES, ROLLOUT_FLAGS, ROLLOUT_STEPS } from '../../contract/rollout.ts';
import { bucketOf, isMoved } from './sticky.ts';

const { events: EVENTS, videoVisits: VISITS } = ROLLOUT_FLAGS;
const member = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/);

test('B-GW-31: the place of a member is the one that the documents say, for ever', () => {
  // printf 'use-websocket-gateway/demo-ana' | sha256sum: the first eight digits over 2^32.
  const known = { 'demo-ana': 8776, 'demo-ben': 4354 };
  for (const [id, bucket] of Object.entries(known)) assert.equal(bucketOf(EVENTS, id), bucket);
});

test('B-GW-31: nobody is moved at 0, everybody at 100, and nobody goes back at a later step', () => {
  fc.assert(
    fc.property(member, fc.constantFrom(...ROLLOUT_FLAG_NAMES), (id, flag) => {
      const moved = ROLLOUT_STEPS.map((step) => isMoved(flag, id, Number(step)));
      assert.equal(moved[0], false);
      assert.equal(moved.at(-1), true);
      assert.deepEqual(moved, [...moved].sort());
    }),
  );
});

test('B-GW-31: a step moves its share of members, and not the same first ones for each flag', () => {
  const ids = Array.from({ length: 20_000 }, (_, index) => `m-${index}`);
  const first = ids.filter((id) => isMoved(EVENTS, id, 10));
  // Six standard deviations of a fair share of 10 %.
  assert.ok(Math.abs(first.length - 2_000) < 255, String(first.length));
  const both = first.filter((id) => isMoved(VISITS, id, 10));
  assert.ok(Math.abs(both.length - 200) < 85, String(both.length));
});
