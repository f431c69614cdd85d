import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditEntry, CheckItem, Principal } from '../ports.ts';
import { showAgain } from './again.ts';
import type { ReaderParts } from './parts.ts';

const COVERAGE = 'mcp://twins/member/ana/coverage';
const PROFILE = 'mcp://twins/member/ana/profile';

const principal: Principal = {
  ...{ kind: 'user', subject: 'ana', tenant: 'demo', clientId: 'test', issuer: 'us' },
  ...{ scopes: new Set(['twin:read']), tokenId: 'new', expiresAtMs: Number.MAX_SAFE_INTEGER },
};
const caller = { principal, correlationId: 'now' };

/** A door before documents with these etags, of `full` and `general` alike where one is named. */
function door(etags: Readonly<Record<string, string>>, denied: readonly string[] = []) {
  const audited: AuditEntry[] = [];
  const shard = {
    tenantOf: () => 'demo',
    document: (uri: string, variant: string) => {
      const etag = etags[`${uri} ${variant}`] ?? etags[uri];
      return etag === undefined ? undefined : { etag };
    },
  };
  const parts = {
    view: { partitionOf: () => 0, for: () => shard },
    access: {
      known: () => undefined,
      check: async (_: Principal, items: readonly CheckItem[]) =>
        items.map(({ permission }) => ({ allowed: !denied.includes(permission), revision: '1' })),
    },
    audit: { append: async (entry: AuditEntry) => void audited.push(entry) },
  } as unknown as ReaderParts;
  return { parts, audited };
}

const record = (...what: AuditEntry['what']): AuditEntry => ({
  ...{ action: 'read', outcome: 'success', correlationId: 'then', why: 'may at 1', what },
});
const shown = [record({ uri: COVERAGE, etag: '"1"' }), record({ uri: PROFILE })];

test('B-MC-21: what would be shown as it was is recorded once more, under its new request', async () => {
  const { parts, audited } = door({ [COVERAGE]: '"1"' });
  assert.equal(await showAgain(parts, caller, shown), true);
  assert.deepEqual(
    audited.map(({ action, correlationId, what, why }) => [action, correlationId, what, why]),
    shown.map(({ what }) => ['read', 'now', what, 'may at 1, told again']),
  );
});

const changed = { [COVERAGE]: '"2"' };
const REFUSED: readonly [why: string, ...Parameters<typeof door>, AuditEntry['what']?][] = [
  ['another etag', changed],
  ['nothing there any more', {}],
  ['no right to it', { [COVERAGE]: '"1"' }, ['view_coverage']],
  ['no right to what was only named', { [COVERAGE]: '"1"' }, ['view_profile']],
  [
    'another variant by now',
    { [`${COVERAGE} full`]: '"1"', [`${COVERAGE} general`]: '"g"' },
    ['view_sensitive'],
  ],
  ['made when it is read', {}, [], [{ uri: 'mcp://twins/member/ana/access-log' }]],
  ['no URI of ours', {}, [], [{ uri: 'x' }]],
];

for (const [why, etags, denied, what] of REFUSED) {
  test(`B-MC-21: not told again: ${why}`, async () => {
    const { parts, audited } = door(etags, denied);
    const before = what === undefined ? shown : [record(...what)];
    assert.equal(await showAgain(parts, caller, before), false);
    assert.deepEqual(
      audited.map(({ outcome }) => outcome),
      ['denied'],
    );
  });
}

test('P5: where the record cannot be written nothing is told again', async () => {
  const { parts } = door({ [COVERAGE]: '"1"' });
  Object.assign(parts.audit, { append: () => Promise.reject(new Error('disk')) });
  await assert.rejects(showAgain(parts, caller, shown));
});
