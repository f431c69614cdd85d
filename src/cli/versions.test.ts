import assert from 'node:assert/strict';
import { test } from 'node:test';
import { versionFindings } from './versions.ts';

test('B-OA-11: 120: what is installed is at least what is pinned', () => {
  const findings = versionFindings();
  assert.deepEqual(
    findings.map(({ name }) => name),
    ['@modelcontextprotocol/server', 'zod'],
  );
  for (const { name, installed, ok } of findings) assert.ok(ok, `${name} ${installed}`);
});

test('an older, a newer and an absent library are told apart', () => {
  const okOf = (installed: string | undefined) =>
    versionFindings(() => installed).map(({ ok }) => ok);
  assert.deepEqual(okOf('4.6.7'), [true, true]);
  assert.deepEqual(okOf('2.3.0'), [true, false]);
  assert.deepEqual(okOf('4.6.6'), [true, false]);
  assert.deepEqual(okOf('4.10.0-beta.1'), [true, true]);
  assert.deepEqual(okOf('2.2.9'), [false, false]);
  assert.deepEqual(okOf(undefined), [false, false]);
});
