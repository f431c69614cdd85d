/**
 * The main job in under ten seconds, with a server and a data directory of its own:
 *
 *     npm run demo
 *
 * Ana's agent reads her coverage and subscribes; her plan changes; the agent is told and reads the
 * new version; Ana takes her trust back; silence; somebody else asks the same and learns nothing.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const COVERAGE = 'mcp://twins/member/demo-ana/coverage';
const CHANGED_COVERAGE = new URL('../resources/demo/update-ana.json', import.meta.url);
const LAUNCHER = new URL('../bin/digital-twin.js', import.meta.url).pathname;
const SILENCE_MS = 1_000;

interface Demo {
  readonly url: string;
  readonly key: string;
}

const began = performance.now();

await main();

async function main(): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'twin-demo-'));
  const args = [LAUNCHER, 'serve', '--port', '0', '--data-dir', dataDir];
  const server = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  try {
    await story(await ready(server, dataDir));
  } finally {
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGTERM');
    await ended;
    await rm(dataDir, { recursive: true });
  }
}

async function story(demo: Demo): Promise<void> {
  say('A server is up with its demo members. Ana’s assistant connects over MCP (2026-07-28).');
  const agent = await connect(demo, { as: 'ana', actor: 'assistant' });
  const told: string[] = [];
  agent.setNotificationHandler('notifications/resources/updated', ({ params }) => {
    told.push(String(params._meta?.['io.digital-twin/etag']));
  });

  const before = await read(agent);
  say(`It reads ${COVERAGE}: etag ${before.etag}.`);
  show(before.plans);
  const subscription = await agent.listen({ resourceSubscriptions: [COVERAGE] });
  say(`It subscribes; acknowledged: ${subscription.honoredFilter.resourceSubscriptions?.join()}.`);

  say('The plan sends a changed Coverage …');
  const changedAt = performance.now();
  await importBundle(demo, await readFile(CHANGED_COVERAGE));
  await until(() => told.length === 1);
  say(`… and the agent is told after ${Math.round(performance.now() - changedAt)} ms: ${told[0]}.`);
  const now = await read(agent);
  say(
    `It reads the new version: etag ${now.etag}${now.etag === told[0] ? ', the one it was told' : ''}.`,
  );
  show(now.plans);

  say('Ana no longer trusts this agent: the relation is deleted in SpiceDB.');
  const revokedAt = performance.now();
  await relations(demo, 'delete', 'user:ana#agent_all@agent:assistant');
  const end = await subscription.closed;
  say(`Its stream ended ${Math.round(performance.now() - revokedAt)} ms later (${end}).`);
  await importBundle(demo, await undo());
  await sleep(SILENCE_MS);
  say(`The record changes again: silence (${told.length} notification in all).`);
  say(`It asks all the same: ${await refusal(agent)}`);
  await agent.close();

  const ben = await connect(demo, { as: 'ben' });
  say(`Ben asks for Ana’s coverage: ${await refusal(ben)}`);
  say(`Ben asks for somebody who does not exist: ${await refusal(ben, 'demo-nobody')}`);
  await ben.close();
  say(`That was the main job, in ${((performance.now() - began) / 1000).toFixed(1)} s.`);
}

async function connect(demo: Demo, identity: Record<string, string>): Promise<Client> {
  const client = new Client(
    { name: 'demo', version: '1.0.0' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  const requestInit = { headers: { authorization: `Bearer ${await token(demo, identity)}` } };
  await client.connect(
    new StreamableHTTPClientTransport(new URL('/mcp', demo.url), { requestInit }),
  );
  return client;
}

async function read(client: Client): Promise<{ etag: string; plans: unknown }> {
  const { contents } = await client.readResource({ uri: COVERAGE });
  const [content] = contents;
  if (content === undefined || !('text' in content)) throw new Error('no document came back');
  const document = JSON.parse(content.text) as { etag: string; data: { plans?: unknown } };
  return { etag: document.etag, plans: document.data.plans };
}

async function refusal(client: Client, member = 'demo-ana'): Promise<string> {
  try {
    // The client may still hold what it read before; this asks the server.
    const uri = `mcp://twins/member/${member}/coverage`;
    await client.readResource({ uri }, { cacheMode: 'refresh' });
    return 'an answer, which must not be';
  } catch (error) {
    return `“${error instanceof Error ? error.message : String(error)}”`;
  }
}

/** The changed record once more with another value, so that there is something to be silent about. */
async function undo(): Promise<string> {
  const bundle = await readFile(CHANGED_COVERAGE, 'utf8');
  return bundle.replaceAll(/"lastUpdated": ?"[^"]+"/g, '"lastUpdated": "2026-11-20T00:00:00Z"');
}

async function token(demo: Demo, identity: Record<string, string>): Promise<string> {
  const answer = await post(`${demo.url}/oauth/dev/token`, demo.key, JSON.stringify(identity));
  return (answer as { access_token: string }).access_token;
}

async function importBundle(demo: Demo, bundle: string | Uint8Array<ArrayBuffer>): Promise<void> {
  const bearer = await token(demo, { as: 'operator', scope: 'sources:write' });
  await post(`${demo.url}/v1/sources?source=demo`, bearer, bundle);
}

async function relations(demo: Demo, operation: string, relationship: string): Promise<void> {
  const bearer = await token(demo, { as: 'operator', scope: 'relations:write' });
  const changes = [{ operation, relationship }];
  await post(`${demo.url}/v1/relations`, bearer, JSON.stringify({ changes }));
}

async function post(
  url: string,
  bearer: string,
  body: string | Uint8Array<ArrayBuffer>,
): Promise<unknown> {
  const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return await response.json();
}

async function ready(server: ChildProcess, dataDir: string): Promise<Demo> {
  for (;;) {
    if (server.exitCode !== null) throw new Error(`the server ended with ${server.exitCode}`);
    try {
      const demo = JSON.parse(await readFile(join(dataDir, 'server.json'), 'utf8')) as Demo;
      if ((await fetch(`${demo.url}/readyz`)).ok) return demo;
    } catch {
      // Not there yet.
    }
    await sleep(50);
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

function say(text: string): void {
  const seconds = ((performance.now() - began) / 1000).toFixed(1).padStart(4);
  const time = process.stdout.isTTY ? `\u001b[2m${seconds} s\u001b[0m` : `${seconds} s`;
  process.stdout.write(`${time}  ${text}\n`);
}

function show(plans: unknown): void {
  const text = JSON.stringify(plans, null, 2) ?? '';
  process.stdout.write(`${text.replaceAll(/^/gm, '          ')}\n`);
}
