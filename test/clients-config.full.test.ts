import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { LAUNCHER, startServer, type TestServer } from './support/server.ts';

/** The files to copy for Claude Desktop: each is what Claude reads, and what it starts works. */
const FOLDER = new URL('../examples/claude-desktop/', import.meta.url);

let server: TestServer;
before(async () => {
  server = await startServer();
});
after(() => server.stop());

interface Entry {
  readonly command: string;
  readonly args: readonly string[];
}

const entryOf = (file: string): Entry => {
  const text = readFileSync(new URL(file, FOLDER), 'utf8');
  const { mcpServers } = JSON.parse(text) as { mcpServers: Record<string, Entry> };
  assert.deepEqual(Object.keys(mcpServers), ['digital-twin']);
  return mcpServers['digital-twin'] as Entry;
};

for (const file of readdirSync(FOLDER)) {
  test(`examples/claude-desktop/${file}: what it starts lists the three tools`, async () => {
    const { command, args } = entryOf(file);
    assert.equal(command, 'node');
    const [launcher = '', ...rest] = args;
    assert.match(launcher, /[\\/]bin[\\/]digital-twin\.js$/);
    const started = [LAUNCHER, ...rest, '--data-dir', server.dataDir];
    const transport = new StdioClientTransport({ command: process.execPath, args: started });
    const client = new Client({ name: 'claude-desktop', version: '1.0.0' });
    await client.connect(transport);
    const { tools } = await client.listTools();
    await client.close();
    assert.deepEqual(
      tools.map(({ name }) => name),
      ['search', 'readDocument', 'chat'],
    );
  });
}

test('there is one for each system, and the one of the package is one of them', () => {
  const packaged = new URL('../claude_desktop_config.example.json', import.meta.url);
  assert.equal(readFileSync(packaged, 'utf8'), readFileSync(new URL('linux.json', FOLDER), 'utf8'));
  assert.deepEqual(readdirSync(FOLDER).sort(), ['linux.json', 'macos.json', 'windows.json']);
});
