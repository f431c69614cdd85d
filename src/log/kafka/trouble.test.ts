import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TriedAgain } from './client.ts';
import { createTroubles } from './trouble.ts';

function troubles() {
  const told: string[] = [];
  let nowMs = 1_000;
  const tell = createTroubles({
    clock: { monotonic: () => nowMs },
    onPassing: (error) => void told.push(`warn ${(error as Error).message}`),
    onError: (error) => void told.push(`error ${(error as Error).message}`),
  });
  return {
    told,
    tell,
    /** So many seconds of trouble, told four times a second by several connections. */
    lasts(seconds: number): void {
      for (let quarter = 0; quarter < seconds * 4; quarter += 1) {
        nowMs += 250;
        tell(new TriedAgain(quarter % 2 === 0 ? 'reading' : 'leading', new Error('away')));
      }
    },
    passes(seconds: number): void {
      nowMs += seconds * 1_000;
    },
  };
}

test('trouble that passes is one warning that says what is tried again, whoever tells it', () => {
  const { told, lasts, passes } = troubles();
  lasts(20);
  assert.deepEqual(told, ['warn reading failed, and is tried again']);
  passes(60);
  lasts(1);
  assert.equal(told.length, 2, 'another trouble, another warning');
});

test('trouble that lasts is an error, and again while it lasts', () => {
  const { told, lasts } = troubles();
  lasts(100);
  assert.deepEqual(
    told.map((line) => line.split(' ')[0]),
    ['warn', 'error', 'error', 'error'],
  );
});

test('what nobody tries again is an error at once, in the middle of trouble too', () => {
  const { told, tell, lasts } = troubles();
  lasts(1);
  tell(new Error('the state is broken'));
  assert.equal(told.at(-1), 'error the state is broken');
});
