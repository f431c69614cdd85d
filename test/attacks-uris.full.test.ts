import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { ask, callTool, type RpcMessage } from './support/ask.ts';
import { openBridge, type TestBridge } from './support/bridge.ts';
import { startServer, type TestServer } from './support/server.ts';
import { spellingsOf } from './support/spellings.ts';
import { listen, openSession, type RawSession } from './support/streams.ts';

/** security.md §6, 43–60, against the running server; ben may not read demo-ana. */
const OWN = 'demo-ben';
const OWN_URI = `mcp://twins/member/${OWN}/coverage`;
const SPELLINGS = spellingsOf(OWN, 'demo-ana');

let server: TestServer;
let ben: string;
let bridge: TestBridge;
let session: RawSession;
let tried = 0;

before(async () => {
  server = await startServer();
  ben = await server.token('ben');
  bridge = openBridge(server, 'ben');
  session = await openSession(server, ben);
});
after(async () => {
  console.log(`# URI attacks tried: ${tried}`);
  await bridge?.close();
  await server.stop();
});

async function read(uri: string): Promise<RpcMessage> {
  tried += 1;
  return (await ask(server, ben, 'resources/read', { uri })).message;
}

function assertRefused({ error, result }: RpcMessage): void {
  assert.equal(error?.code, -32602, JSON.stringify({ error, result }).slice(0, 300));
  assert.equal(result, undefined);
}

test('the canonical spelling is read, so that the others are refused for their spelling', async () => {
  assert.ok((await read(OWN_URI)).result);
  assert.ok((await bridge.ask('resources/read', { uri: OWN_URI })).result);
  const opened = await callTool(server, ben, 'readDocument', { uri: OWN_URI });
  assert.equal(opened.failed, false);
  assert.ok((await session.send('resources/subscribe', { uri: OWN_URI })).result);
});

for (const [number, uri] of SPELLINGS) {
  const shown = JSON.stringify(uri.slice(0, 70));
  test(`P10, B-FM-6: ${number}: ${shown} is no URI of ours, whatever asks for it`, async () => {
    assertRefused(await read(uri));
    tried += 2;
    const opened = await callTool(server, ben, 'readDocument', { uri }).catch(() => undefined);
    assert.ok(opened === undefined || opened.failed);
    assertRefused(await session.send('resources/subscribe', { uri }));
  });

  test(`P10, B-FM-6: ${number}: ${shown} is no URI of ours over stdio`, async () => {
    tried += 2;
    assertRefused(await bridge.ask('resources/read', { uri }));
    assertRefused(await bridge.askOld('resources/subscribe', { uri }));
  });
}

test('B-FM-6: 55: an id of 20 KB, which no header holds, is refused in a tool’s input', async () => {
  const uri = `mcp://twins/member/${'4'.repeat(20_000)}/coverage`;
  tried += 2;
  const { answer } = await ask(server, ben, 'tools/call', {
    ...{ name: 'readDocument', arguments: { uri } },
  });
  assert.match(answer.text, /"isError":true|"code":-32602/);
  assert.ok(answer.text.length < 2_000, 'it is not repeated');
  const { message } = await ask(server, ben, 'resources/read', { uri }).catch(() => ({
    message: undefined,
  }));
  assert.equal(message?.result, undefined);
});

test('B-MC-3, B-FM-6: 43–60: a listen acknowledges none of these spellings', async () => {
  const uris = SPELLINGS.map(([, uri]) => uri);
  tried += uris.length;
  const stream = await listen(server, ben, [...uris, OWN_URI]);
  assert.deepEqual(stream.acknowledged, [OWN_URI]);
  stream.close();
});

test('B-FM-6: 43–60: each is in the audit as it was sent, as the alert that it is', () => {
  const db = new DatabaseSync(join(server.dataDir, 'audit.db'), { readOnly: true });
  const bodies = db
    .prepare('SELECT body FROM record')
    .all()
    .map((row) => String(row.body));
  db.close();
  const denied = new Set(
    bodies
      .map((body) => JSON.parse(body) as AuditBody)
      .filter(({ outcome }) => outcome === 'denied')
      .flatMap(({ what }) => what.map(({ uri }) => uri)),
  );
  for (const [number, uri] of SPELLINGS) {
    const kept = [...denied].some(
      (value) =>
        value !== undefined &&
        value === uri.slice(0, value.length) &&
        value.length >= Math.min(uri.length, 2_000),
    );
    assert.ok(kept, `${number}: ${uri.slice(0, 70)}`);
  }
});

interface AuditBody {
  readonly outcome: string;
  readonly what: readonly { readonly uri: string }[];
}
