import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { run } from './support/run.ts';
import { LAUNCHER, startServer, type TestServer } from './support/server.ts';

/** MCP Inspector's command line, a client of ours in the field, in both eras, over HTTP and stdio. */
const INSPECTOR = new URL('../node_modules/.bin/mcp-inspector', import.meta.url).pathname;
const COVERAGE = 'mcp://twins/member/demo-ana/coverage';

let server: TestServer;
before(async () => {
  server = await startServer();
});
after(() => server.stop());

const inspect = (...args: string[]) => run(INSPECTOR, ['--cli', '--format', 'json', '-q', ...args]);

const overHttp = (era: string, token: string): string[] => [
  ...['--server-url', `${server.url}/mcp`, '--transport', 'http', '--protocol-era', era],
  ...['--header', `Authorization: Bearer ${token}`, '--stored-auth-only'],
];

for (const era of ['modern', 'legacy']) {
  test(`B-FM-2: Inspector reads and calls in the ${era} era`, async () => {
    const token = await server.token('ana');
    const list = await inspect(...overHttp(era, token), '--method', 'resources/list');
    assert.equal(list.code, 0, list.stderr);
    assert.ok(list.stdout.includes(COVERAGE), list.stdout);
    const read = await inspect(
      ...overHttp(era, token),
      '--method',
      'resources/read',
      '--uri',
      COVERAGE,
    );
    assert.equal(read.code, 0, read.stderr);
    assert.ok(read.stdout.includes('etag'));
    const args = ['--tool-name', 'search', '--tool-arg', 'query=A1c'];
    const call = await inspect(...overHttp(era, token), '--method', 'tools/call', ...args);
    assert.equal(call.code, 0, call.stderr);
    assert.ok(call.stdout.includes('structuredContent'), call.stdout);
  });

  test(`Inspector is refused with a bad token in the ${era} era`, async () => {
    const bad = await inspect(...overHttp(era, 'no.such.token'), '--method', 'resources/list');
    assert.equal(bad.code, 3, bad.stdout + bad.stderr);
  });

  test(`Inspector is refused with a token that is too narrow in the ${era} era`, async () => {
    const token = await server.token('ana', { scope: 'twin:subscribe' });
    const args = ['--method', 'resources/read', '--uri', COVERAGE];
    const narrow = await inspect(...overHttp(era, token), ...args);
    assert.equal(narrow.code, 1, narrow.stdout + narrow.stderr);
    assert.match(narrow.stdout + narrow.stderr, /Insufficient scope: required \\?"twin:read/);
  });

  test(`Inspector ends with 5 where a tool fails in the ${era} era`, async () => {
    const token = await server.token('ben');
    const args = ['--tool-name', 'readDocument', '--tool-arg', `uri=${COVERAGE}`];
    const failed = await inspect(...overHttp(era, token), '--method', 'tools/call', ...args);
    assert.equal(failed.code, 5, failed.stdout + failed.stderr);
  });

  test(`B-FM-2: Inspector reads through the bridge in the ${era} era`, async () => {
    const bridge = [process.execPath, LAUNCHER, 'stdio', '--as', 'ana'];
    const target = ['--', ...bridge, '--data-dir', server.dataDir];
    const read = ['--protocol-era', era, '--method', 'resources/read', '--uri', COVERAGE];
    const ran = await inspect(...read, ...target);
    assert.equal(ran.code, 0, ran.stderr);
    assert.ok(ran.stdout.includes(COVERAGE), ran.stdout);
  });
}
