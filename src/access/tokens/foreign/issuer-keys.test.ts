import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock, Timer } from '../../../kernel/clock.ts';
import { Fault } from '../../../kernel/errors.ts';
import { IssuerAway } from './fetch-json.ts';
import { type IssuerKey, issuerKey } from './issuer.rig.ts';
import { IssuerKeys } from './issuer-keys.ts';

const ISSUER = 'https://login.example.org';
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const old = issuerKey('old', 'ES256');
const young = issuerKey('young', 'ES256');

/** Time that a test lets pass; due timers run then. */
class SteppedClock implements Clock {
  ms = 0;
  /** Waits for what a timer has begun. */
  settled: () => Promise<unknown> = () => Promise.resolve();
  readonly #due = new Set<{ at: number; task: () => void }>();
  now = (): number => this.ms;
  monotonic = (): number => this.ms;
  after(delayMs: number, task: () => void): Timer {
    const entry = { at: this.ms + delayMs, task };
    this.#due.add(entry);
    return { cancel: () => this.#due.delete(entry) };
  }
  async pass(ms: number): Promise<void> {
    const end = this.ms + ms;
    for (;;) {
      const [next] = [...this.#due].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.ms = next.at;
      this.#due.delete(next);
      next.task();
      await this.settled();
    }
    this.ms = end;
  }
  /** As when the process stood still: no timer ran. */
  jump(ms: number): void {
    this.ms += ms;
  }
}

async function rig(...keys: IssuerKey[]) {
  const clock = new SteppedClock();
  const reported: unknown[] = [];
  const issuer = { keys, away: false, asked: 0 };
  const ask = async (url: string) => {
    if (issuer.away) throw new IssuerAway('does not answer', false);
    const isKeys = url === `${ISSUER}/jwks`;
    issuer.asked += isKeys ? 1 : 0;
    const json = isKeys
      ? { keys: issuer.keys.map(({ jwk }) => jwk) }
      : { issuer: ISSUER, jwks_uri: `${ISSUER}/jwks` };
    return { status: 200, json, dateMs: Number.NaN };
  };
  const report = (error: unknown): void => void reported.push(error);
  const source = new IssuerKeys({ issuer: ISSUER, clock, report, ask });
  await source.start();
  // Whoever asks for an unknown key while the issuer is being asked waits for its answer.
  clock.settled = () => source.find('nobody').catch(() => undefined);
  return { clock, reported, issuer, source };
}

const isUnavailable = (error: unknown): boolean =>
  error instanceof Fault && error.code === 'ISSUER_UNAVAILABLE' && error.row.http === 503;

test('B-OA-5: F10: a new key is found by the first token that names it, after the cool-down', async () => {
  const { clock, issuer, source } = await rig(old);
  issuer.keys = [old, young];
  assert.equal(await source.find('young'), undefined, 'the issuer was asked a moment ago');
  assert.equal(issuer.asked, 1);
  await clock.pass(10 * SECOND);
  assert.ok(await source.find('young'));
  assert.equal(issuer.asked, 2);
});

test('B-OA-5: F10: unknown keys, however many, have the issuer asked once a cool-down', async () => {
  const { clock, issuer, source } = await rig(old);
  for (let round = 0; round < 3; round += 1) {
    await clock.pass(10 * SECOND);
    const before = issuer.asked;
    const asked = Array.from({ length: 500 }, (_, n) => source.find(`guess-${round}-${n}`));
    assert.ok((await Promise.all(asked)).every((key) => key === undefined));
    assert.equal(issuer.asked, before + 1);
  }
});

test('B-OA-5: F10: a key that the issuer takes back counts five minutes at most', async () => {
  const { clock, issuer, source } = await rig(old, young);
  issuer.keys = [young];
  await clock.pass(5 * MINUTE - 1);
  assert.ok(await source.find('old'));
  await clock.pass(1);
  assert.equal(await source.find('old'), undefined);
  assert.ok(await source.find('young'));
});

test('B-OA-5: F10: a process that stood still asks before it trusts', async () => {
  const { clock, issuer, source } = await rig(old, young);
  issuer.keys = [young];
  clock.jump(11 * MINUTE);
  assert.equal(await source.find('old'), undefined);
});

test('B-OA-5: F10: while it is away known keys go on for an hour, unknown ones are 503', async () => {
  const { clock, issuer, source, reported } = await rig(old);
  issuer.away = true;
  await clock.pass(59 * MINUTE);
  assert.ok(await source.find('old'));
  await assert.rejects(source.find('young'), isUnavailable);
  await assert.rejects(source.find('young'), isUnavailable, 'nor 401 within the cool-down');
  assert.deepEqual(source.state, { known: 1, answers: false });
  assert.equal(reported.length, 1, 'it is told once');
  await clock.pass(2 * MINUTE);
  await assert.rejects(source.find('old'), isUnavailable);
  assert.deepEqual(source.state, { known: 0, answers: false });
  issuer.away = false;
  await clock.pass(30 * SECOND);
  assert.ok(await source.find('old'), 'it is back without a token that asks for it');
  assert.deepEqual(source.state, { known: 1, answers: true });
});

test('B-OA-5: F10: started while it is away, every token is 503 until it is back', async () => {
  const { clock, issuer, source } = await rig(old);
  issuer.away = true;
  const other = new IssuerKeys({
    issuer: ISSUER,
    clock,
    report: () => undefined,
    ask: () => Promise.reject(new IssuerAway('does not answer', false)),
  });
  await other.start();
  await assert.rejects(other.find('old'), isUnavailable);
  assert.ok(await source.find('old'));
});

test('B-OA-5: an issuer that takes back its last key is believed, and nobody is blamed', async () => {
  const { clock, issuer, source } = await rig(old);
  issuer.keys = [];
  await clock.pass(5 * MINUTE);
  await assert.rejects(source.find('old'), isUnavailable);
});

test('B-OA-5: whoever verified with a key is told when it is taken back, and of no other', async () => {
  const { clock, issuer, source } = await rig(old, young);
  const key = await source.find('old');
  const retired: unknown[] = [];
  source.onRetired((taken) => retired.push(taken));
  await clock.pass(5 * MINUTE);
  assert.deepEqual(retired, []);
  issuer.keys = [young];
  await clock.pass(5 * MINUTE);
  assert.equal(retired.length, 1);
  assert.equal(retired[0], key);
  issuer.keys = [];
  await clock.pass(5 * MINUTE);
  assert.equal(retired.length, 2);
});

test('a key stays the same object until it is another key', async () => {
  const { clock, issuer, source } = await rig(old);
  const first = await source.find('old');
  await clock.pass(5 * MINUTE);
  assert.equal(await source.find('old'), first);
  issuer.keys = [{ ...young, kid: 'old', jwk: { ...young.jwk, kid: 'old' } }];
  await clock.pass(5 * MINUTE);
  assert.ok(first !== undefined && (await source.find('old')) !== first);
});

test('a source that was stopped asks nobody any more', async () => {
  const { clock, issuer, source } = await rig(old);
  await source.stop();
  const before = issuer.asked;
  await clock.pass(60 * MINUTE);
  assert.equal(issuer.asked, before);
});
