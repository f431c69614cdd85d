import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sleep } from '../src/kernel/clock.ts';
import { readDocument } from './support/ask.ts';
import { ANA_COVERAGE, changeCoverage } from './support/changes.ts';
import { CLIENTS, type Connect } from './support/clients.ts';
import { type Example, FOREIGN, startExample } from './support/foreign.ts';
import { type Program, startClient } from './support/program.ts';
import { repeatingProxy } from './support/repeating-proxy.ts';
import { startServer, type TestServer } from './support/server.ts';

/**
 * Every client over HTTP, those of other languages as the programs of `examples/`: each reads, is
 * refused, is told, is cut off on revoke.
 */
const FOREIGN_URI = 'mcp://twins/member/demo-dov/coverage';
const SELF = 'member:demo-ana#self@user:ana';
/** Longer than any delivery takes here, so that silence means something. */
const SILENCE_MS = 1_500;

let server: TestServer;
before(async () => {
  server = await startServer();
});
after(() => server.stop());

type Start = (url: string, token: string, uris: readonly string[]) => Promise<Program>;

const ours = (name: string): Start => {
  const connect = CLIENTS[name] as Connect;
  return (url, token, uris) =>
    startClient(connect, { url, token, dataDir: server.dataDir, as: 'ana' }, uris);
};
const example =
  (it: Example): Start =>
  (url, token, uris) =>
    startExample(it, { url, token }, uris);

interface Row {
  readonly start: Start;
  /** Does not say which URIs were acknowledged. */
  readonly silentOnGrants?: true;
  /** Sees that the server ended its stream. */
  readonly seesEnd?: true;
  /** Acts on what it is told. */
  readonly acts?: true;
}

const ROWS: Readonly<Record<string, Row>> = {
  'TypeScript SDK 2.4, listen': { start: ours('SDK 2.x over HTTP, 2026-07-28') },
  'TypeScript SDK 2.4, 2025 session': { start: ours('SDK 2.x over HTTP, 2025 session') },
  'TypeScript SDK 1.32, 2025 session': { start: ours('SDK 1.x over HTTP, 2025 session') },
  'Python mcp 2.3, listen': { start: example(FOREIGN.pythonListen), seesEnd: true },
  'Python mcp 1.30, 2025 session': { start: example(FOREIGN.pythonSession) },
  'Go SDK 1.8, a listen stream for each URI': {
    start: example(FOREIGN.goListen),
    silentOnGrants: true,
  },
  'langchain-mcp-adapters, Python': { start: example(FOREIGN.langchainPython), acts: true },
  '@langchain/mcp-adapters, JavaScript': { start: example(FOREIGN.langchainJs), acts: true },
};

async function running(
  start: Start,
  url: string,
  use: (program: Program) => Promise<void>,
): Promise<void> {
  await server.relations('touch', SELF);
  const program = await start(url, await server.token('ana'), [ANA_COVERAGE, FOREIGN_URI]);
  try {
    await use(program);
  } finally {
    await program.stop();
  }
}

const etagNow = async (): Promise<string> => {
  const token = await server.token('ana');
  return (await readDocument(server, token, ANA_COVERAGE)).etag;
};

const etagsOf = (program: Program, event: 'told' | 'acted'): (string | undefined)[] =>
  program.lines.filter((line) => line.event === event).map(({ etag }) => etag);

for (const [title, row] of Object.entries(ROWS)) {
  test(`B-FM-7: ${title}: reads, is refused, is told, is cut off`, async () => {
    await running(row.start, server.url, async (program) => {
      const read = await program.seen('read');
      assert.equal(read.uri, ANA_COVERAGE);
      const refused = await program.seen('refused');
      assert.deepEqual([refused.uri, refused.code], [FOREIGN_URI, -32602]);
      const { uris } = await program.seen('listening');
      if (row.silentOnGrants === undefined) assert.deepEqual(uris, [ANA_COVERAGE]);

      await changeCoverage(server);
      const told = await program.seen('told');
      assert.equal(told.uri, ANA_COVERAGE);
      assert.notEqual(told.etag, read.etag);
      if (row.acts) assert.equal((await program.seen('acted')).etag, told.etag);

      await server.relations('delete', SELF);
      await changeCoverage(server);
      await sleep(SILENCE_MS);
      assert.deepEqual(etagsOf(program, 'told'), [told.etag], 'told after the revocation');
      assert.deepEqual(etagsOf(program, 'acted'), row.acts ? [told.etag] : []);
      if (row.seesEnd) await program.seen('ended');
      // A client may hold what it read for as long as ttlMs said, 10 s: the Go SDK does.
      const last = () => program.lines.findLast(({ uri }) => uri === ANA_COVERAGE)?.event;
      for (let tries = 0; tries < 60 && last() !== 'refused'; tries += 1) {
        program.again();
        await sleep(250);
      }
      assert.equal(last(), 'refused');
    });
  });
}

for (const [title, { start, acts }] of Object.entries(ROWS)) {
  if (!acts) continue;
  test(`B-FM-7: ${title}: acts once on a change told twice, and across a server killed`, async () => {
    const proxy = await repeatingProxy(server.url);
    try {
      await running(start, proxy.url, async (program) => {
        await program.seen('listening');
        await changeCoverage(server);
        await program.seen('told', 2);
        const first = await etagNow();
        assert.deepEqual(etagsOf(program, 'told').slice(0, 2), [first, first]);

        proxy.lose();
        const { url, dataDir } = server;
        await server.kill();
        server = await startServer({ dataDir, args: ['--port', new URL(url).port] });
        await changeCoverage(server);
        await program.seen('lost');
        proxy.forward(server.url);
        // What changed while it was away is acted upon once it is there again.
        await program.seen('listening', 2);
        await program.seen('acted', 2);
        const second = await etagNow();
        await changeCoverage(server);
        await program.seen('told', 4);
        await program.seen('acted', 3);
        await sleep(SILENCE_MS);
        assert.deepEqual(etagsOf(program, 'acted'), [first, second, await etagNow()]);
      });
    } finally {
      await proxy.stop();
    }
  });
}
