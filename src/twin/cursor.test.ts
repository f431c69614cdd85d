import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../kernel/clock.ts';
import { LIMITS } from '../kernel/limits.ts';
import { createCursorCodec } from './cursor.ts';
import type { Principal } from './ports.ts';

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

let nowMs = 1_000;
const codec = createCursorCodec([Buffer.alloc(32, 1)], { ...systemClock, now: () => nowMs });

test('a cursor opens for its principal, whatever token they hold by then', () => {
  const text = codec.seal('list', ana, { after: 'x' });
  assert.match(text, /^[A-Za-z0-9_-]{1,2048}$/);
  assert.partialDeepStrictEqual(codec.open('list', { ...ana, tokenId: 't2' }, text), {
    after: 'x',
  });
});

for (const [name, principal] of Object.entries({
  subject: { ...ana, subject: 'ben' },
  tenant: { ...ana, tenant: 'other' },
  client: { ...ana, clientId: 'other' },
  actor: { ...ana, actor: 'assistant' },
  kind: { ...ana, kind: 'agent' as const },
})) {
  test(`a cursor of another ${name} looks like a forged one`, () => {
    const text = codec.seal('list', ana, { after: 'x' });
    assert.throws(() => codec.open('list', principal, text), { code: 'INVALID_ARGUMENT' });
  });
}

test('a cursor of one kind is none of another', () => {
  const text = codec.seal('list', ana, { after: 'x' });
  assert.throws(() => codec.open('changes', ana, text), { code: 'INVALID_ARGUMENT' });
});

test('a changed or made-up cursor is refused', () => {
  const text = codec.seal('list', ana, { after: 'x' });
  for (const forged of ['', 'A', text.slice(1), `${text}AAAA`, 'now']) {
    assert.throws(() => codec.open('list', ana, forged), { code: 'INVALID_ARGUMENT' });
  }
});

test('a cursor expires after seven days', () => {
  const text = codec.seal('list', ana, {});
  nowMs += LIMITS.cursorTtlMs + 1;
  assert.equal(codec.open('list', ana, text), 'expired');
});
