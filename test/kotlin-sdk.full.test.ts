import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testKotlin } from '../tools/parts/kotlin.ts';
import { startServer } from './support/server.ts';

test('B-GW-38: the Kotlin SDK goes on by the same rules, by the golden messages and against a real gateway', {
  timeout: 300_000,
}, async (t) => {
  const server = await startServer();
  try {
    const scope = ['call.join', 'call.ended'].map((type) => `events:publish:${type}`).join(' ');
    const said = await testKotlin((text) => t.diagnostic(text), {
      TWIN_URL: server.url,
      TWIN_TOKEN: await server.token('ana'),
      TWIN_BACKEND_TOKEN: await server.token('operator', { scope }),
    });
    const [all] = [...said.matchAll(/Tests run: (\d+), Failures: 0, Errors: 0, Skipped: 0$/gm)];
    assert.ok(Number(all?.[1]) >= 23, said);
  } finally {
    await server.stop();
  }
});
