import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask, readDocument, resultOf } from './support/ask.ts';
import { ANA_COVERAGE, changeCoverage } from './support/changes.ts';
import { modernMessage } from './support/raw.ts';
import { startServer, type TestServer } from './support/server.ts';

/** What MCP offers beside reading: completions, prompts, progress, hints, and what it shows. */
let server: TestServer;
let ana: string;
let ben: string;
let nurse: string;

before(async () => {
  server = await startServer();
  [ana, ben, nurse] = (await Promise.all(
    ['ana', 'ben', 'nurse'].map((as) => server.token(as)),
  )) as [string, string, string];
});
after(() => server.stop());

const SECTION = 'mcp://twins/member/{memberId}/{section}';

async function complete(token: string, ref: object, name: string, value: string) {
  const params = { ref, argument: { name, value } };
  const { message } = await ask(server, token, 'completion/complete', params);
  return message.result?.completion as { values: string[]; hasMore: boolean; total?: number };
}

const template = (uri: string) => ({ type: 'ref/resource', uri });

test('B-MC-14: member ids complete to those that the caller may read', async () => {
  assert.deepEqual((await complete(ana, template(SECTION), 'memberId', '')).values, ['demo-ana']);
  const bens = await complete(ben, template(SECTION), 'memberId', 'demo-');
  assert.deepEqual(bens.values, ['demo-ben', 'demo-cleo']);
  assert.equal(bens.total, undefined, 'no total to count by');
});

test('B-MC-14: a member that one may not see completes like one that is not there', async () => {
  for (const value of ['demo-ana', 'demo-a', 'no-such-member']) {
    const { answer } = await ask(server, ben, 'completion/complete', {
      ref: template(SECTION),
      argument: { name: 'memberId', value },
    });
    assert.equal(answer.status, 200);
    assert.match(answer.text, /"values":\[\]/);
    assert.match(answer.text, /"hasMore":false/);
  }
});

test('B-MC-14: sections, cursors and types complete from the lists of the product', async () => {
  const sections = await complete(ana, template(SECTION), 'section', 'c');
  assert.deepEqual(sections.values, ['coverage', 'care', 'clinical']);
  const practitioner = 'mcp://twins/practitioner/{practitionerId}/{section}';
  const others = await complete(ana, template(practitioner), 'section', '');
  assert.deepEqual(others.values, ['profile', 'panel', 'schedule']);
  const cursors = await complete(ana, template('mcp://twins/changes/{cursor}'), 'cursor', '');
  assert.deepEqual(cursors.values, ['now', 'start']);
  const prompt = { type: 'ref/prompt', name: 'coverage-explained' };
  assert.deepEqual((await complete(ana, prompt, 'member', 'd')).values, ['demo-ana']);
});

test('B-MC-14: an unknown reference is an error, an unknown argument completes to nothing', async () => {
  const { message } = await ask(server, ana, 'completion/complete', {
    ref: template('mcp://twins/{anything}'),
    argument: { name: 'anything', value: '' },
  });
  assert.equal(message.error?.code, -32602);
  for (const name of ['nothing', '__proto__', 'constructor']) {
    assert.deepEqual((await complete(ana, template(SECTION), name, '')).values, []);
  }
});

test('B-MC-16: completions are answered at a person’s pace; then 429, for this caller alone', async () => {
  const params = { ref: template(SECTION), argument: { name: 'memberId', value: 'x' } };
  const many = Array.from({ length: 80 }, () => ask(server, nurse, 'completion/complete', params));
  const refused = (await Promise.all(many)).flatMap(({ message }) => message.error ?? []);
  assert.ok(refused.length > 0 && refused.length <= 50, `${refused.length} refused`);
  for (const error of refused) assert.equal(error.data?.code, 'RATE_LIMITED');
  assert.ok(await complete(ben, template(SECTION), 'section', ''));
});

async function prompt(token: string, name: string, args: Record<string, string> = {}) {
  const { message } = await ask(server, token, 'prompts/get', { name, arguments: args });
  const messages = (message.result?.messages ?? []) as {
    content: { type: string; text?: string; resource?: { uri: string; text: string } };
  }[];
  return { error: message.error, messages };
}

test('B-MC-15: coverage-explained holds the caller’s own coverage, under its URI', async () => {
  const { messages } = await prompt(ana, 'coverage-explained');
  assert.match(String(messages[0]?.content.text), /plain words/);
  assert.equal(messages[1]?.content.resource?.uri, ANA_COVERAGE);
  assert.match(String(messages[1]?.content.resource?.text), /Demo PPO/);
});

test('B-MC-15: visit-prep holds what the caller may read, and leaves out the rest', async () => {
  const own = await prompt(ana, 'visit-prep', { reason: 'yearly check' });
  const uris = own.messages.flatMap(({ content }) => content.resource?.uri ?? []);
  assert.deepEqual(
    uris,
    ['profile', 'clinical', 'care', 'coverage'].map((s) => `mcp://twins/member/demo-ana/${s}`),
  );
  assert.match(String(own.messages[0]?.content.text), /yearly check/);
  const narrow = await server.token('ana', { scope: 'twin:read:coverage' });
  const some = await prompt(narrow, 'visit-prep', { member: 'demo-ana' });
  const read = some.messages.flatMap(({ content }) => content.resource?.uri ?? []);
  assert.deepEqual(read, [ANA_COVERAGE]);
});

test('B-MC-15: a prompt about somebody else is refused like one about nobody', async () => {
  for (const name of ['coverage-explained', 'visit-prep']) {
    const answers = await Promise.all(
      ['demo-ana', 'demo-xyz'].map(async (member) => {
        const { error } = await prompt(ben, name, { member });
        assert.equal(error?.code, -32602);
        return JSON.stringify(error)
          .replaceAll(member, 'MEMBER')
          .replace(/"io\.digital-twin\/correlationId":"\w+"/, '');
      }),
    );
    assert.equal(answers[0], answers[1]);
  }
});

test('B-MC-9: a tool says in its text what changed since it was read, until it is read again', async () => {
  const before = await readDocument(server, ana, ANA_COVERAGE);
  const { position } = await changeCoverage(server);
  const meta = { 'io.digital-twin/minPosition': position };
  const uri = 'mcp://twins/member/demo-ana/profile';
  const hinted = async () => {
    const params = { name: 'readDocument', arguments: { uri } };
    const { content } = await resultOf(server, ana, 'tools/call', params, meta);
    return (content as { text: string }[]).map(({ text }) => text).at(-1) ?? '';
  };
  assert.match(await hinted(), new RegExp(`^Changed since you read it: ${ANA_COVERAGE}`));
  assert.notEqual((await readDocument(server, ana, ANA_COVERAGE)).etag, before.etag);
  assert.doesNotMatch(await hinted(), /^Changed since/);
});

test('chat tells of its steps to whoever asks for progress, and to nobody else', async () => {
  const streamOf = async (meta: object) => {
    const args = { name: 'chat', arguments: { message: 'What was the last A1c?' } };
    const { headers, body } = modernMessage('tools/call', args, 'chat');
    const message = JSON.parse(body) as { params: { _meta: object } };
    Object.assign(message.params._meta, meta);
    const response = await fetch(`${server.url}/mcp`, {
      method: 'POST',
      headers: Object.fromEntries([...headers, ['Authorization', `Bearer ${ana}`]]),
      body: JSON.stringify(message),
    });
    return await response.text();
  };
  const told = await streamOf({ progressToken: 'p1' });
  const steps = [...told.matchAll(/"progress":(\d)/g)].map(([, step]) => Number(step));
  assert.deepEqual(steps, [0, 1, 2]);
  assert.ok(told.lastIndexOf('"progress"') < told.indexOf('structuredContent'), 'none afterwards');
  assert.doesNotMatch(await streamOf({}), /notifications\/progress/);
});

test('tools, prompts and templates say what they are, with titles, icons and hints', async () => {
  for (const [method, key] of [
    ['tools/list', 'tools'],
    ['prompts/list', 'prompts'],
    ['resources/templates/list', 'resourceTemplates'],
  ] as const) {
    const items = (await resultOf(server, ana, method))[key] as Record<string, unknown>[];
    assert.ok(items.length >= 2);
    for (const item of items) {
      assert.ok(item.title !== undefined && item.description !== undefined, method);
      assert.match(JSON.stringify(item.icons), /data:image\/svg\+xml;base64,/);
      if (key === 'tools') assert.deepEqual(item.annotations, HINTS);
    }
  }
  const { instructions, capabilities } = await resultOf(server, ana, 'server/discover');
  assert.match(String(instructions), /Start with search/);
  const { tools, prompts, resources, completions } = capabilities as Capabilities;
  assert.deepEqual([tools?.listChanged, prompts?.listChanged], [false, false], 'neither changes');
  assert.deepEqual([resources?.subscribe, completions], [true, {}]);
});

const HINTS = { readOnlyHint: true, destructiveHint: false, openWorldHint: false };
type Capabilities = Record<string, { listChanged?: boolean; subscribe?: boolean } | undefined>;

test('the fixtures of the conformance suite are not on the normal surface', async () => {
  const { tools } = await resultOf(server, ana, 'tools/list');
  assert.deepEqual(
    (tools as { name: string }[]).map(({ name }) => name),
    ['search', 'readDocument', 'chat'],
  );
  assert.doesNotMatch((await ask(server, ana, 'prompts/list', {})).answer.text, /test_/);
  const read = await ask(server, ana, 'resources/read', { uri: 'test://static-text' });
  assert.equal(read.message.error?.code, -32602);
});

test('a client that goes while it waits is no fault of ours', async () => {
  const { headers, body } = modernMessage('resources/read', { uri: ANA_COVERAGE }, ANA_COVERAGE);
  for (let n = 0; n < 10; n += 1) {
    const gone = new AbortController();
    const going = fetch(`${server.url}/mcp`, {
      method: 'POST',
      headers: Object.fromEntries([...headers, ['Authorization', `Bearer ${ana}`]]),
      body,
      signal: gone.signal,
    });
    setTimeout(() => gone.abort(), n);
    await going.then((response) => response.text()).catch(() => undefined);
  }
  await readDocument(server, ana, ANA_COVERAGE);
  assert.doesNotMatch(server.output(), /"msg":"fault"/);
});
