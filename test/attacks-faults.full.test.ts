import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { ask, type RpcMessage } from './support/ask.ts';
import { openBridge, type TestBridge } from './support/bridge.ts';
import { nextCoverage } from './support/changes.ts';
import { startServer, type TestServer } from './support/server.ts';
import { openSession, type RawSession } from './support/streams.ts';

/**
 * security.md §6, 116: the databases under a running server are broken, one after the other. What a
 * client is told is a code and the id by which the log knows more, and nothing of the databases.
 */
const OWN = 'mcp://twins/member/demo-ben/coverage';
/** Words of SQLite, of Node and of our own files. */
const INTERNALS =
  /sqlite|SQLITE|no such|database|locked|\btable\b|\.db\b|node:|\bat \w+ \(|\/src\//;

let server: TestServer;
let ben: string;
let operator: string;
let bridge: TestBridge;
let session: RawSession;
let tried = 0;
before(async () => {
  server = await startServer();
  ben = await server.token('ben');
  operator = await server.token('operator', { scope: 'sources:write relations:write' });
  bridge = openBridge(server, 'ben');
  session = await openSession(server, ben);
  assert.ok((await bridge.askOld('resources/read', { uri: OWN })).result);
});
after(async () => {
  console.log(`# faults forced: ${tried}`);
  await bridge?.close();
  await server.stop();
});

const tool = (name: string, args: object) => ['tools/call', { name, arguments: args }] as const;
const REQUESTS = [
  ['resources/read', { uri: OWN }],
  ['resources/list', {}],
  ['prompts/get', { name: 'coverage-explained', arguments: { member: 'demo-ben' } }],
  tool('search', { query: 'coverage' }),
  tool('readDocument', { uri: OWN }),
  tool('chat', { message: 'What is covered?', member: 'demo-ben' }),
] as const;

/** Every answer to MCP, by each way to it, and every answer of a plain route. */
async function answers(): Promise<{ rpc: RpcMessage[]; texts: string[] }> {
  const rpc: RpcMessage[] = [];
  const texts: string[] = [];
  for (const [method, params] of REQUESTS) {
    tried += 4;
    const { answer, message } = await ask(server, ben, method, params);
    rpc.push(message, await session.send(method, params));
    rpc.push(await bridge.ask(method, params), await bridge.askOld(method, params));
    texts.push(answer.text);
  }
  const json = { method: 'POST', headers: { 'content-type': 'application/json' } };
  const relationship = 'member:demo-ben#delegate@user:x';
  const body = JSON.stringify({ changes: [{ operation: 'touch', relationship }] });
  for (const answer of [
    await server.fetch(ben, '/v1/twins/member/demo-ben/coverage'),
    await server.fetch(ben, '/v1/search?q=coverage'),
    await server.fetch(ben, '/v1/changes?cursor=start'),
    await server.fetch(operator, '/v1/relations', { ...json, body }),
    await server.importBundle(nextCoverage().bundle),
  ]) {
    tried += 1;
    texts.push(await answer.text());
  }
  return { rpc, texts };
}

/** @param codes of ours that fit; an answer may also be a good one. Answers how many were not. */
function assertOnlyCodes(rpc: readonly RpcMessage[], codes: RegExp): number {
  let refused = 0;
  for (const { error, result } of rpc) {
    if (error === undefined && result?.isError !== true) continue;
    refused += 1;
    const said = JSON.stringify(error ?? result);
    assert.match(said, codes);
    assert.match(said, /"io\.digital-twin\/correlationId":"\w{26}"/, 'the log knows more');
  }
  return refused;
}

test('B-FM-6: 116: an audit that cannot be written shows nothing, and says only that, over HTTP and over stdio', async () => {
  const audit = new DatabaseSync(join(server.dataDir, 'audit.db'));
  audit.exec('BEGIN IMMEDIATE');
  try {
    const [method, params] = REQUESTS[0];
    const rpc = [
      (await ask(server, ben, method, params)).message,
      await session.send(method, params),
      await bridge.ask(method, params),
    ];
    assert.equal(assertOnlyCodes(rpc, /AUDIT_UNAVAILABLE/), rpc.length);
    for (const message of rpc) assert.doesNotMatch(JSON.stringify(message), INTERNALS);
  } finally {
    audit.exec('ROLLBACK');
    audit.close();
  }
  assert.ok((await session.send(...REQUESTS[0])).result, 'and afterwards it serves again');
});

/** Takes away the tables of a database under the server's hands. */
function ruin(path: string): void {
  const db = new DatabaseSync(path);
  db.exec('PRAGMA foreign_keys = OFF');
  const kinds = db.prepare("SELECT type, name FROM sqlite_schema WHERE type IN ('table', 'view')");
  for (const { type, name } of kinds.all()) {
    if (String(name).startsWith('sqlite_')) continue;
    try {
      db.exec(`DROP ${String(type)} IF EXISTS "${String(name)}"`);
    } catch {
      // A shadow table of an index, which goes with it.
    }
  }
  db.close();
}

for (const part of ['view', 'log'] as const) {
  test(`B-FM-6: 116: the ${part} without its tables is told of by code and id alone, over HTTP and over stdio`, async () => {
    const files = await readdir(server.dataDir);
    const own = files.filter((name) => name.startsWith(part) && name.endsWith('.db'));
    assert.ok(own.length > 0, files.join());
    for (const file of own) ruin(join(server.dataDir, file));
    const { rpc, texts } = await answers();
    const refused = assertOnlyCodes(rpc, /INTERNAL|UNAVAILABLE|VIEW_BEHIND|NOT_FOUND/);
    console.log(`# ${part}: ${refused} of ${rpc.length} refused`);
    for (const said of [...texts, ...rpc.map((message) => JSON.stringify(message))]) {
      assert.doesNotMatch(said, INTERNALS);
    }
    assert.match(texts.join('\n'), /"code":"(?:INTERNAL|\w+_UNAVAILABLE)"/);
    assert.match(server.output(), /no such table/, 'the log of the server says what it is');
  });
}
