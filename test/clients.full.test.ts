import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sleep } from '../src/kernel/clock.ts';
import { readDocument } from './support/ask.ts';
import { ANA_COVERAGE, changeCoverage } from './support/changes.ts';
import { FOREIGN, type Program, startExample } from './support/foreign.ts';
import { startServer, type TestServer } from './support/server.ts';

/** The examples of other languages, each: reads, is refused, is told, is cut off on revoke. */
const FOREIGN_URI = 'mcp://twins/member/demo-dov/coverage';
const SELF = 'member:demo-ana#self@user:ana';
/** Longer than any delivery takes here, so that silence means something. */
const SILENCE_MS = 1_500;

let server: TestServer;
before(async () => {
  server = await startServer();
});
after(() => server.stop());

async function running(
  name: keyof typeof FOREIGN,
  uris: readonly string[],
  use: (program: Program) => Promise<void>,
): Promise<void> {
  await server.relations('touch', SELF);
  const token = await server.token('ana');
  const program = await startExample(FOREIGN[name], { url: server.url, token }, uris);
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

const WATCHERS = {
  'Python mcp 2.3, listen': 'pythonListen',
  'Python mcp 1.30, session': 'pythonSession',
  'Go SDK 1.8, a listen stream for each URI': 'goListen',
} as const;

for (const [title, name] of Object.entries(WATCHERS)) {
  test(`B-FM-7: ${title}: reads, is refused, is told, is cut off`, async () => {
    await running(name, [ANA_COVERAGE, FOREIGN_URI], async (program) => {
      const read = await program.seen('read');
      assert.equal(read.uri, ANA_COVERAGE);
      const refused = await program.seen('refused');
      assert.deepEqual([refused.uri, refused.code], [FOREIGN_URI, -32602]);
      const { uris } = await program.seen('listening');
      // The Go SDK does not say which URIs were acknowledged.
      if (name !== 'goListen') assert.deepEqual(uris, [ANA_COVERAGE]);
      await changeCoverage(server);
      const told = await program.seen('told');
      assert.equal(told.uri, ANA_COVERAGE);
      assert.notEqual(told.etag, read.etag);
      await server.relations('delete', SELF);
      const before = program.lines.filter(({ event }) => event === 'told').length;
      await changeCoverage(server);
      await sleep(SILENCE_MS);
      const after = program.lines.filter(({ event }) => event === 'told').length;
      assert.equal(after, before, 'told after the revocation');
      if (name === 'pythonListen') await program.seen('ended');
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

const AGENTS = {
  'langchain-mcp-adapters, Python': 'langchainPython',
  '@langchain/mcp-adapters, JavaScript': 'langchainJs',
} as const;

for (const [title, name] of Object.entries(AGENTS)) {
  test(`B-FM-7: ${title}: an agent acts exactly once on a change, and not after a revoke`, async () => {
    await running(name, [ANA_COVERAGE], async (program) => {
      await program.seen('listening');
      await changeCoverage(server);
      const acted = await program.seen('acted');
      assert.equal(acted.etag, await etagNow());
      await sleep(SILENCE_MS);
      assert.equal(program.lines.filter(({ event }) => event === 'acted').length, 1);
      await changeCoverage(server);
      await program.seen('acted', 2);
      await server.relations('delete', SELF);
      await changeCoverage(server);
      await sleep(SILENCE_MS);
      assert.equal(program.lines.filter(({ event }) => event === 'acted').length, 2);
    });
    await running(name, [FOREIGN_URI], async (program) => {
      const { uri, code } = await program.seen('refused');
      assert.deepEqual([uri, code], [FOREIGN_URI, -32602]);
    });
  });
}
