import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { runListenScenario } from '../tools/conformance/listen.ts';
import { startTokenProxy, type TokenProxy } from '../tools/conformance/proxy.ts';
import { REVISIONS, runSuite } from '../tools/conformance/suite.ts';
import { startServer, type TestServer } from './support/server.ts';

/** The official suite, both eras, through the real guards, tokens, sessions and streams. */
const SCORED = { '2026-07-28': 37, '2025-11-25': 30 } as const;

let server: TestServer;
let proxy: TokenProxy;
before(async () => {
  server = await startServer({ args: ['--conformance'] });
  proxy = await startTokenProxy(server.url, () => server.token('ana'));
});
after(async () => {
  await proxy.close();
  await server.stop();
});

for (const revision of REVISIONS) {
  test(`B-MC-13: the suite's scored scenarios of ${revision} all pass`, async () => {
    const outcomes = await runSuite(`${proxy.url}/mcp`, revision);
    const scored = outcomes.filter((one) => one.scored);
    const missed = scored.filter(({ failures }) => failures.length > 0);
    assert.deepEqual(missed, []);
    assert.equal(scored.length, SCORED[revision]);
    const others = outcomes.filter(({ scenario }) => !scenario.startsWith('tasks-'));
    assert.deepEqual(
      others.filter(({ failures }) => failures.length > 0),
      [],
      'what is not scored is met too, but for the Tasks extension',
    );
    console.log(`# ${revision}: ${scored.length} of ${SCORED[revision]} scored scenarios`);
  });
}

test('what a tool of 2025 asks comes with the call, whether or not there is a GET stream', async () => {
  const withoutGet = (url: string | URL, init?: RequestInit): Promise<Response> =>
    init?.method === 'GET'
      ? Promise.resolve(new Response(null, { status: 405 }))
      : fetch(url, init);
  const client = new Client(
    { name: 'no-push', version: '1' },
    { capabilities: { sampling: {}, elicitation: { form: {} } } },
  );
  const content = { type: 'text' as const, text: 'here' };
  client.setRequestHandler(CreateMessageRequestSchema, () => ({
    ...{ role: 'assistant', model: 'none', content },
  }));
  client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'decline' }));
  const url = new URL(`${proxy.url}/mcp`);
  await client.connect(new StreamableHTTPClientTransport(url, { fetch: withoutGet }));
  for (const [name, args, says] of [
    ['test_sampling', { prompt: 'Who is there?' }, /here/],
    ['test_elicitation', { message: 'Who is there?' }, /action=decline/],
    ['test_elicitation_sep1034_defaults', {}, /action=decline/],
    ['test_elicitation_sep1330_enums', {}, /action=decline/],
  ] as const) {
    const answer = await client.callTool({ name, arguments: args }, undefined, { timeout: 5_000 });
    assert.match(JSON.stringify(answer.content), says, name);
  }
  await client.close();
});

test('B-MC-3: our own scenario of subscriptions/listen passes', async () => {
  const { passed, failures } = await runListenScenario(server);
  assert.deepEqual(failures, []);
  assert.equal(passed, 5);
});

test('the suite does not pass without the token that the proxy adds', async () => {
  const outcomes = await runSuite(`${server.url}/mcp`, '2025-11-25');
  const passed = outcomes.filter(({ scored, failures }) => scored && failures.length === 0);
  assert.deepEqual(
    passed.map(({ scenario }) => scenario),
    [],
  );
});
