import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { sleep } from '../src/kernel/clock.ts';
import { ROOT } from '../tools/files.ts';
import { startServer, type TestServer } from './support/server.ts';

/** The examples for services that polled: run as their readers run them. */
const children: ChildProcess[] = [];
let server: TestServer;

before(async () => {
  server = await startServer();
});
after(async () => {
  for (const child of children) child.kill('SIGTERM');
  await server.stop();
});

/** An example against the server, and what it has printed so far. */
async function example(name: string, args: readonly string[], scope: string) {
  const token = await server.token('ana', { scope });
  const child = spawn(process.execPath, [`examples/${name}.ts`, ...args, '--server', server.url], {
    cwd: ROOT,
    env: { ...process.env, DIGITAL_TWIN_TOKEN: token },
  });
  children.push(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => (text += String(chunk)));
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const said = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (let tries = 0; tries < 600; tries += 1) {
      const found = pattern.exec(text);
      if (found !== null) return found;
      await sleep(50);
    }
    throw new Error(`${name} did not say ${pattern}: ${text}`);
  };
  return { said, ended, stop: () => child.kill('SIGTERM') };
}

test('B-EL-32: a service that is told of coverage polls nothing, and asks again only what has changed', async () => {
  const cache = await example('coverage-cache', ['demo-ana'], 'twin:read twin:subscribe');
  const [, port] = await cache.said(/serving on http:\/\/127\.0\.0\.1:(\d+)/);
  const [, etag] = await cache.said(/demo-ana\/coverage ("[\w-]{22}") as of/);
  const scope = 'eligibility:check twin:read twin:subscribe';
  const asking = await example('beneficiary-verification', ['demo-ana', '--fresh'], scope);
  await asking.said(/^demo-ana: asked, about \d+ s$/m);
  await asking.said(/^demo-ana: active$/m);
  assert.equal(await asking.ended, 0);
  await cache.said(new RegExp(`demo-ana/coverage (?!${etag})"[\\w-]{22}" as of`));
  const kept = await (await fetch(`http://127.0.0.1:${port}/demo-ana`)).json();
  assert.match(JSON.stringify(kept), /"status":"active"/);
  assert.equal((await fetch(`http://127.0.0.1:${port}/demo-ben`)).status, 404);
  const again = await example('beneficiary-verification', ['demo-ana'], scope);
  await again.said(/^demo-ana: active, said \d+ s ago$/m);
  assert.equal(await again.ended, 0);
  cache.stop();
  assert.equal(await cache.ended, 0);
});

test('B-EL-33: over GraphQL a check is asked, told and read, and where to listen is said', async () => {
  const scope = 'eligibility:check twin:read twin:subscribe';
  const token = await server.token('ana', { scope });
  const graphql = await example('graphql/server', ['--port', '0'], scope);
  const [url = ''] = await graphql.said(/http:\/\/\S+\/graphql/);
  const post = (query: string, accept: string, bearer = token) =>
    fetch(url, {
      method: 'POST',
      headers: { accept, 'content-type': 'application/json', authorization: `Bearer ${bearer}` },
      body: JSON.stringify({ query }),
    });
  const ask = async (query: string, bearer?: string) =>
    (await (await post(query, 'application/json', bearer)).json()) as {
      data?: Record<string, Record<string, unknown>>;
      errors?: { extensions?: { code?: string } }[];
    };
  const changes = await post(
    'subscription { coverageChanged(member: "demo-ana") { uri etag } }',
    'text/event-stream',
  );
  const reader = changes.body?.pipeThrough(new TextDecoderStream()).getReader();
  const asked = await ask(
    'mutation { checkEligibility(member: "demo-ana", cacheControl: REQUIRE_FRESH) { id status } }',
  );
  const { id, status } = asked.data?.checkEligibility ?? {};
  assert.equal(status, 'processing');
  let text = '';
  while (!text.includes('demo-ana/coverage')) text += (await reader?.read())?.value ?? '';
  let known: Record<string, unknown> | undefined;
  for (let tries = 0; known?.eligibility !== 'active'; tries += 1) {
    assert.ok(tries < 600, JSON.stringify(known));
    const report = `{ eligibilityCheck(id: "${id}") { status eligibility } }`;
    known = (await ask(report)).data?.eligibilityCheck;
    await sleep(50);
  }
  const info = await ask(
    '{ websocketSubscribeInfo(member: "demo-ana") { url topics } pusherSubscribeInfo(member: "demo-ana") { presenceChannelName } }',
  );
  assert.match(String(info.data?.websocketSubscribeInfo?.url), /\/v1\/ws$/);
  assert.match(String(info.data?.pusherSubscribeInfo?.presenceChannelName), /demo-ana$/);
  const other = await ask('{ websocketSubscribeInfo(member: "demo-ben") { url } }');
  assert.equal(other.errors?.[0]?.extensions?.code, 'NOT_FOUND');
  const refused = await ask('mutation { checkEligibility(member: "demo-ben") { id } }');
  assert.equal(refused.errors?.[0]?.extensions?.code, 'NOT_FOUND');
  await reader?.cancel();
});
