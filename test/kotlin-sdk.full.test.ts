import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testKotlin } from '../tools/parts/kotlin.ts';

test('B-GW-38: the Kotlin SDK resumes by the same rules', { timeout: 300_000 }, async (t) => {
  const said = await testKotlin((text) => t.diagnostic(text), {});
  const [all] = [...said.matchAll(/Tests run: (\d+), Failures: 0, Errors: 0, Skipped: 0$/gm)];
  assert.ok(Number(all?.[1]) >= 17, said);
});
