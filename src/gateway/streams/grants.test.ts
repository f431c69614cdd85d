import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Grants } from './grants.ts';
import { principalOf } from './hub.rig.ts';

/** Rights whose questions are answered when the test says so. */
function room() {
  const open: (() => void)[] = [];
  const asked: string[] = [];
  const grants = new Grants({
    readable: (_, uris) =>
      new Promise((resolve) => void open.push(() => resolve(uris.map((uri) => uri !== 'no')))),
    asked: async (_, uris) =>
      void asked.push(...uris.map(({ uri, granted }) => `${uri} ${granted}`)),
  });
  const turn = (): Promise<void> => new Promise(setImmediate);
  const answer = async (): Promise<number> => {
    await turn();
    const now = open.splice(0);
    for (const one of now) one();
    await turn();
    return now.length;
  };
  return { grants, asked, answer, turn };
}

const ANA = principalOf('ana');
const isOpen = () => true;

test('B-GW-14: who subscribes all at once is asked about a few at a time, and each is answered', async () => {
  const { grants, asked, answer } = room();
  const all = Array.from({ length: 1_000 }, (_, n) => grants.readable(ANA, [`${n}`], isOpen));
  const rounds: number[] = [];
  for (let sum = 0; sum < 1_000; sum += rounds.at(-1) ?? 0) rounds.push(await answer());
  assert.ok(Math.max(...rounds) <= 128, `${rounds}`);
  const answers = await Promise.all(all);
  assert.deepEqual(
    answers.map((uris) => [...uris]),
    Array.from({ length: 1_000 }, (_, n) => [`${n}`]),
  );
  assert.equal(asked.length, 1_000, 'each is in the audit');
  const one = grants.readable(ANA, ['no', 'yes'], isOpen);
  await answer();
  assert.deepEqual([...(await one)], ['yes']);
  assert.deepEqual(asked.slice(-2), ['no false', 'yes true']);
});

test('B-GW-14: for who has gone while waiting nobody is asked', async () => {
  const { grants, asked, answer, turn } = room();
  const first = Array.from({ length: 128 }, () => grants.readable(ANA, ['first'], isOpen));
  let open = true;
  const gone = grants.readable(ANA, ['gone'], () => open);
  const next = grants.readable(ANA, ['next'], isOpen);
  await turn();
  open = false;
  await answer();
  await answer();
  assert.deepEqual([...(await gone)], []);
  assert.deepEqual([...(await next)], ['next']);
  await Promise.all(first);
  assert.equal(asked.includes('gone false'), false);
});
