import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { readDocument } from './support/ask.ts';
import { startServer, type TestServer } from './support/server.ts';

/** What somebody meets who has read nothing: the demo, and lines to paste. */
const run = promisify(execFile);

let server: TestServer;

before(async () => {
  server = await startServer();
});
after(() => server.stop());

const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  ana: ['demo-ana'],
  ben: ['demo-ben', 'demo-cleo'],
  dov: ['demo-dov'],
  eve: ['demo-ana', 'demo-dov'],
  nurse: ['demo-ana', 'demo-ben', 'demo-cleo', 'demo-dov'],
};

for (const [who, members] of Object.entries(MEMBERS)) {
  test(`B-FM-5: ${who} is there, and reads the demo members that the relations say`, async () => {
    assert.match(server.output(), new RegExp(`\\b${who}\\b`));
    const token = await server.token(who);
    for (const member of ['demo-ana', 'demo-ben', 'demo-cleo', 'demo-dov']) {
      const reading = readDocument(server, token, `mcp://twins/member/${member}/clinical`);
      if (members.includes(member)) assert.equal((await reading).section, 'clinical');
      else await assert.rejects(reading, /nothing here, or you may not read it/);
    }
  });
}

test('B-FM-5: the start prints where it listens and how to connect each client', () => {
  const printed = server.output();
  const { port } = new URL(server.url);
  assert.match(printed, new RegExp(`listens on http://localhost:${port}\\b`));
  for (const client of ['Claude Desktop', 'MCP Inspector', 'LangChain', 'command line']) {
    assert.ok(printed.includes(client), client);
  }
});

test('B-FM-5: the lines for Claude Desktop connect', async () => {
  const [line = ''] = /\{"mcpServers".*\}/.exec(server.output()) ?? [];
  const { mcpServers } = JSON.parse(line) as {
    mcpServers: Record<string, { command: string; args: string[] }>;
  };
  const twin = mcpServers['digital-twin'];
  assert.ok(twin);
  const client = new Client({ name: 'desktop', version: '1' });
  await client.connect(new StdioClientTransport({ ...twin, stderr: 'ignore' }));
  const { resources } = await client.listResources();
  assert.ok(resources.some(({ uri }) => uri === 'mcp://twins/member/demo-ana/coverage'));
  await client.close();
});

test('B-FM-5: the lines of the command run as printed', async () => {
  const printed = server.output();
  const [, mint = ''] = /TOKEN=\$\((.*)\)$/m.exec(printed) ?? [];
  const { stdout: token } = await run('/bin/sh', ['-c', mint]);
  assert.match(token.trim(), /^[\w-]+\.[\w-]+\.[\w-]+$/);
  const [search = ''] = /^ {2}\S.* search "A1c" --as ana.*$/m.exec(printed) ?? [];
  const { stdout } = await run('/bin/sh', ['-c', search]);
  assert.match(stdout, /A1c/);
});
