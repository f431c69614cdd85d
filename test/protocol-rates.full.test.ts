import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask } from './support/ask.ts';
import { startServer, type TestServer } from './support/server.ts';
import { listen } from './support/streams.ts';

/** A principal in a loop, on every route, against a server that allows two requests a second. */
const PER_SECOND = 2;
const BURST = PER_SECOND * 5;

let server: TestServer;
before(async () => {
  server = await startServer({ env: { REQUESTS_PER_SECOND: String(PER_SECOND) } });
});
after(() => server.stop());

test('B-MC-16: 92: past its rate a principal is told to wait, by MCP and by plain HTTP alike', async () => {
  const [ana, ben] = [await server.token('ana'), await server.token('ben')];
  const many = Array.from({ length: BURST * 3 }, () => ask(server, ana, 'tools/list', {}));
  const answers = await Promise.all(many);
  const refused = answers.filter(({ answer }) => answer.status === 429);
  assert.ok(refused.length >= BURST, `${refused.length} of ${answers.length}`);
  assert.ok(refused.length <= answers.length - BURST, 'the burst passed');
  for (const { answer, message } of refused) {
    assert.equal(answer.headers['retry-after'], '1');
    assert.equal(message.error?.data?.code, 'RATE_LIMITED');
  }
  const plain = await server.fetch(ana, '/v1/twins/member/demo-ana/coverage');
  assert.equal(plain.status, 429);
  assert.equal((await ask(server, ben, 'tools/list', {})).answer.status, 200, 'nobody else');
  assert.doesNotMatch(server.output(), /"msg":"fault"/, 'and the log is not filled');
});

test('B-MC-16, B-FM-6: 88: who opens and closes streams without pause is told to wait', async () => {
  const nurse = await server.token('nurse');
  const statuses: number[] = [];
  for (let n = 0; n < BURST * 2; n += 1) {
    const stream = await listen(server, nurse, []);
    stream.close();
    statuses.push(stream.status);
  }
  const served = statuses.filter((status) => status === 200);
  assert.ok(served.length >= BURST, 'the burst passed');
  assert.ok(statuses.includes(429), statuses.join());
});

test('B-MC-16: 91: who counts ids by completions is told to wait, and gets none but their own', async () => {
  const cleo = await server.token('cleo');
  const ref = { type: 'ref/resource', uri: 'mcp://twins/member/{memberId}/{section}' };
  let refused = 0;
  for (let n = 0; n < BURST * 3; n += 1) {
    const argument = { name: 'memberId', value: `demo-${String.fromCharCode(97 + (n % 26))}` };
    const { answer, message } = await ask(server, cleo, 'completion/complete', { ref, argument });
    if (answer.status === 429) refused += 1;
    const { values = [] } = (message.result?.completion ?? {}) as { values?: string[] };
    assert.ok(
      values.every((value) => value === 'demo-cleo'),
      values.join(),
    );
  }
  assert.ok(refused > 0, 'it was never told to wait');
});

test('113: an agent that calls chat in a loop is stopped, and its person is not', async () => {
  await server.relations('touch', 'user:dov#agent_all@agent:looping');
  const agent = await server.token('dov', { actor: 'looping' });
  const chat = { name: 'chat', arguments: { message: 'What was the last A1c?' } };
  const many = Array.from({ length: BURST * 3 }, () => ask(server, agent, 'tools/call', chat));
  const answers = await Promise.all(many);
  const refused = answers.filter(({ answer }) => answer.status === 429);
  assert.ok(refused.length >= BURST, `${refused.length} of ${answers.length}`);
  assert.ok(refused.length < answers.length, 'the burst passed');
  const dov = await server.token('dov');
  assert.equal((await ask(server, dov, 'tools/call', chat)).answer.status, 200);
});
