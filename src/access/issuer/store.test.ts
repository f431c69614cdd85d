import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { Fault } from '../../kernel/errors.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { ManualClock } from '../decisions.rig.ts';
import { type IssuerStore, openIssuerStore } from './store.ts';

let dataDir: string;
let clock: ManualClock;
let ended: string[];
let store: IssuerStore;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'twin-issuer-'));
  clock = new ManualClock();
  ended = [];
  store = open();
});
afterEach(() => {
  store.close();
  rmSync(dataDir, { recursive: true });
});

function open(): IssuerStore {
  return openIssuerStore({ dataDir, clock, onRevoked: (tokenId) => void ended.push(tokenId) });
}

/** Without an fsync for each of a thousand rows. */
function inMemory(): IssuerStore {
  return openIssuerStore({ dataDir: ':memory:', clock, onRevoked: () => undefined });
}

const seconds = (): number => Math.floor(clock.now() / 1000);

function issue(
  tokenId: string,
  more: { grantId?: string; parentId?: string; clientId?: string } = {},
) {
  const { clientId = 'c', ...rest } = more;
  const payload = { kind: 'AccessToken', jti: tokenId, clientId };
  store.tokens.add({ tokenId, clientId, expiresAt: seconds() + 60, payload, ...rest });
}

test('B-AS-3: of two who use a refresh token at once, one wins', () => {
  store.upsert('RefreshToken', 'secret', { jti: 'secret', grantId: 'g' }, 60);
  assert.equal(store.consume('RefreshToken', 'secret'), true);
  assert.equal(store.consume('RefreshToken', 'secret'), false);
  assert.equal(typeof store.find('RefreshToken', 'secret')?.consumed, 'number');
});

test('B-AS-4: a revoked token takes along what was exchanged for it, and stays revoked', () => {
  issue('t1', { grantId: 'g' });
  issue('t2', { parentId: 't1', clientId: 'agent' });
  issue('t3', { parentId: 't2', clientId: 'other' });
  issue('t4');
  store.destroy('AccessToken', 't1');
  assert.deepEqual(ended, ['t1', 't2', 't3']);
  store.close();
  ended = [];
  store = open();
  assert.deepEqual(ended.sort(), ['t1', 't2', 't3']);
  assert.equal(store.find('AccessToken', 't4')?.jti, 't4');
});

test('B-AS-4: a grant ends with all its tokens, and a client with all its grants', () => {
  for (const [grantId, clientId, accountId] of [
    ['g1', 'c1', 'demo/ana'],
    ['g2', 'c1', 'demo/ben'],
    ['g3', 'c2', 'demo/ana'],
  ] as const) {
    store.upsert('Grant', grantId, { jti: grantId, accountId, clientId }, 60);
    store.upsert('RefreshToken', `r-${grantId}`, { grantId }, 60);
    store.remember({ grantId, clientId, accountId, purpose: '', acr: 'x' });
    issue(`t-${grantId}`, { grantId, clientId });
  }
  assert.equal(store.revokeGrants({ clientId: 'c1' }), 2);
  assert.deepEqual(ended.sort(), ['t-g1', 't-g2']);
  assert.equal(store.find('RefreshToken', 'r-g1'), undefined);
  assert.equal(store.find('Grant', 'g2'), undefined);
  assert.equal(store.revokeGrants({ accountId: 'demo/ana' }), 1);
  assert.deepEqual(ended.sort(), ['t-g1', 't-g2', 't-g3']);
});

test('B-AS-4: of a client that one tenant closes, another tenant’s grants stay', () => {
  for (const tenant of ['demo', 'demo2']) {
    const accountId = `${tenant}/ana`;
    store.upsert('Grant', tenant, { jti: tenant, accountId, clientId: 'c1' }, 60);
    store.remember({ grantId: tenant, clientId: 'c1', accountId, purpose: '', acr: 'x' });
    issue(`t-${tenant}`, { grantId: tenant, clientId: 'c1' });
  }
  assert.equal(store.revokeGrants({ clientId: 'c1', tenant: 'demo' }), 1);
  assert.deepEqual(ended, ['t-demo']);
  assert.notEqual(store.find('Grant', 'demo2'), undefined);
});

test('what is in the file is private, and no refresh token or code can be read from it', () => {
  store.upsert('RefreshToken', 'canary-refresh', { jti: 'canary-refresh', grantId: 'g' }, 60);
  store.upsert('AuthorizationCode', 'canary-code', { jti: 'canary-code' }, 60);
  assert.equal(store.find('RefreshToken', 'canary-refresh')?.jti, 'canary-refresh');
  for (const name of ['issuer.db', 'issuer.db-wal']) {
    assert.equal(statSync(join(dataDir, name)).mode & 0o077, 0, name);
    assert.doesNotMatch(readFileSync(join(dataDir, name), 'latin1'), /canary/);
  }
});

test('B-AS-6: what has ended is swept, and what there is of each is bounded', () => {
  store.upsert('Session', 's', { uid: 'u', jti: 's' }, 60);
  issue('t1');
  assert.equal(store.findByUid('u')?.jti, 's');
  clock.advance(200_000);
  assert.equal(store.find('Session', 's'), undefined);
  store.sweep();
  assert.equal(store.find('AccessToken', 't1'), undefined);
});

test('B-AS-6: of clients that registered there are so many; the oldest give way', () => {
  const store = inMemory();
  const { clientsMax } = LIMITS.issuer;
  for (let n = 0; n <= clientsMax; n += 1)
    store.upsert('Client', `c${n}`, { client_id: `c${n}` }, undefined);
  const left = Array.from({ length: clientsMax + 1 }, (_, n) => store.find('Client', `c${n}`));
  assert.equal(left.filter((client) => client !== undefined).length, clientsMax);
});

test('B-AS-6: a client that somebody trusts does not give way to one that registers', () => {
  const store = inMemory();
  const { clientsMax } = LIMITS.issuer;
  for (let n = 0; n < clientsMax; n += 1) {
    store.upsert('Client', `c${n}`, { client_id: `c${n}` }, undefined);
    const of = { clientId: `c${n}`, accountId: 'demo/ana', purpose: '', acr: 'x' };
    store.remember({ grantId: `g${n}`, ...of });
  }
  const one = () => store.upsert('Client', 'more', { client_id: 'more' }, undefined);
  assert.throws(one, (error) => error instanceof Fault && error.code === 'RATE_LIMITED');
  assert.notEqual(store.find('Client', 'c0'), undefined);
});
