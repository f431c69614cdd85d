import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  COVERAGE,
  ERAS,
  type Inspect,
  inspectOverHttp,
  inspectOverStdio,
} from './support/inspector.ts';
import { startServer, type TestServer } from './support/server.ts';

/** MCP Inspector's command line, a client of ours in the field, in both eras, over HTTP and stdio. */
let server: TestServer;
before(async () => {
  server = await startServer();
});
after(() => server.stop());

/** Each does its work: what it is asked for, and what then stands in the answer. */
const WORK = [
  ['list', COVERAGE],
  ['read', 'etag'],
  ['search', 'structuredContent'],
] as const;

async function works(inspect: Inspect): Promise<void> {
  const ran = await Promise.all(WORK.map(([method]) => inspect(method)));
  for (const [at, { code, stdout, stderr }] of ran.entries()) {
    assert.equal(code, 0, stderr);
    assert.ok(stdout.includes(WORK[at]?.[1] ?? ''), stdout);
  }
}

for (const era of ERAS) {
  test(`B-FM-2: Inspector lists, reads and calls over HTTP in the ${era} era`, async () => {
    await works(inspectOverHttp(server, era, await server.token('ana')));
  });

  test(`B-FM-2: Inspector lists, reads and calls over stdio in the ${era} era`, async () => {
    await works(inspectOverStdio(server, era, '--as', 'ana'));
  });
}
