import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../kernel/clock.ts';
import { LIMITS } from '../kernel/limits.ts';
import type { Principal } from '../twin/ports.ts';
import { createRequestStates } from './request-state.ts';

const ana: Principal = {
  kind: 'user',
  subject: 'ana',
  tenant: 'demo',
  clientId: 'cli',
  scopes: new Set(),
  issuer: 'http://localhost',
  tokenId: 't1',
  expiresAtMs: 0,
};
const asked = { principal: ana, tool: 'chat', args: { message: 'A1c?', member: 'Baker' } };
const wrong = { code: 'INVALID_ARGUMENT' };

let nowMs = 1_000_000;
const clock = { ...systemClock, now: () => nowMs };
const [first, second] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
const states = createRequestStates([first], clock);

test('B-MC-17: a state opens for its own request, under any token, with arguments in any order', () => {
  const text = states.seal(asked, { round: 1 });
  const again = {
    ...asked,
    principal: { ...ana, tokenId: 't2' },
    args: { member: 'Baker', message: 'A1c?' },
  };
  assert.deepEqual(states.open(again, text).payload, { round: 1 });
  assert.match(text, /^[A-Za-z0-9_-]+$/);
  assert.ok(!Buffer.from(text, 'base64url').toString('latin1').includes('round'));
});

for (const [name, other] of Object.entries({
  'another user': { ...asked, principal: { ...ana, subject: 'ben' } },
  'another tenant': { ...asked, principal: { ...ana, tenant: 'other' } },
  'another client': { ...asked, principal: { ...ana, clientId: 'other' } },
  'an agent of the user': { ...asked, principal: { ...ana, actor: 'assistant' } },
  'another tool': { ...asked, tool: 'search' },
  'other arguments': { ...asked, args: { message: 'A1c?', member: 'Alvarez' } },
  'more arguments': { ...asked, args: { ...asked.args, session: 'mcp://sessions/x' } },
  'no arguments': { ...asked, args: undefined },
})) {
  test(`B-MC-17: a state is none for ${name}`, () => {
    const text = states.seal(asked, {});
    assert.throws(() => states.open(other, text), wrong);
    assert.ok(states.open(asked, text));
  });
}

test('B-MC-17: a changed, made-up or oversized state is refused', () => {
  const text = states.seal(asked, {});
  const flipped = [...text].map((letter, index) => {
    const rest = text.slice(index + 1);
    return `${text.slice(0, index)}${letter === 'A' ? 'E' : 'A'}${rest}`;
  });
  const forged = ['', 'v1.', 'null', text.slice(1), `${text}AAAA`, `v1.${'A'.repeat(2 << 20)}`];
  for (const one of [...flipped, ...forged, null, 7, {}, [text]]) {
    assert.throws(() => states.open(asked, one), wrong, String(one).slice(0, 20));
  }
});

test('B-MC-17: a state is too old after its time, and none of a clock that is ahead', () => {
  const text = states.seal(asked, {});
  nowMs += LIMITS.requestStateTtlMs;
  assert.ok(states.open(asked, text));
  nowMs += 1;
  assert.throws(() => states.open(asked, text), wrong);
  const late = states.seal(asked, {});
  nowMs -= LIMITS.clockSkewMaxMs + 1;
  assert.throws(() => states.open(asked, late), wrong);
});

test('B-MC-17: a replaced key opens what it sealed until it is taken away', () => {
  const text = states.seal(asked, { round: 1 });
  const rotated = createRequestStates([second, first], clock);
  assert.deepEqual(rotated.open(asked, text).payload, { round: 1 });
  assert.throws(() => states.open(asked, rotated.seal(asked, {})), wrong, 'the new key seals');
  assert.throws(() => createRequestStates([second], clock).open(asked, text), wrong);
});

test('B-MC-17: a state serves once with success, and at once for one request only', async () => {
  const text = states.seal(asked, {});
  const state = states.open(asked, text);
  await assert.rejects(
    states.once(state, () => Promise.reject(new Error('the log is away'))),
    /away/,
  );
  const running = Promise.withResolvers<string>();
  const won = states.once(states.open(asked, text), () => running.promise);
  await assert.rejects(
    states.once(state, () => Promise.resolve('twice')),
    wrong,
  );
  assert.throws(() => states.open(asked, text), wrong);
  running.resolve('done');
  assert.equal(await won, 'done');
  assert.throws(() => states.open(asked, text), wrong);
  // The same bytes, written down otherwise.
  assert.throws(() => states.open(asked, `${text.slice(0, 4)}\n${text.slice(4)}=`), wrong);
});

test('B-MC-17: what an instance can no longer remember counts as used', async () => {
  const own = createRequestStates([first], clock);
  const used = own.seal(asked, {});
  const waiting = own.seal(asked, {});
  await own.once(own.open(asked, used), () => Promise.resolve());
  nowMs += 1;
  const later = own.seal(asked, {});
  for (let n = 0; n < LIMITS.requestStatesUsedMax; n += 1) {
    await own.once({ id: String(n), payload: {} }, () => Promise.resolve());
  }
  assert.throws(() => own.open(asked, used), wrong);
  assert.throws(() => own.open(asked, waiting), wrong);
  assert.ok(own.open(asked, later));
});
