import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sleep } from '../src/kernel/clock.ts';
import { startServer, type TestServer } from './support/server.ts';

/** Changes of configuration that no request makes: a start with other settings, a flag in its file. */
let server: TestServer;

before(async () => {
  server = await startServer();
});
after(() => server.stop());

interface Event {
  readonly subtype: readonly { readonly code: string }[];
  readonly entity: readonly {
    readonly what?: { readonly identifier?: { readonly value: string } };
  }[];
}

/** What was recorded as a change of configuration or of a flag, oldest first. */
async function recorded(): Promise<string[]> {
  const token = await server.token('officer', { scope: 'audit:read' });
  const text = await (await server.fetch(token, '/v1/audit/events')).text();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Event)
    .filter(({ subtype }) => subtype.some(({ code }) => /^(configuration|flags)$/.test(code)))
    .flatMap(({ entity }) => entity.map(({ what }) => what?.identifier?.value ?? ''))
    .filter((uri) => /^(settings|flag):/.test(uri));
}

const settings = async () => (await recorded()).filter((uri) => uri.startsWith('settings:'));

async function flagged(uri: string): Promise<void> {
  for (let tries = 0; !(await recorded()).includes(uri); tries += 1) {
    assert.ok(tries < 50, `${uri} is recorded`);
    await sleep(100);
  }
}

test('B-AD-11: a start with other settings shows, and one with the same does too', async () => {
  const { dataDir } = server;
  const restart = async (env: Record<string, string>) => {
    await server.stop();
    server = await startServer({ dataDir, env });
  };
  await restart({ READ_WAIT_MS: '2000' });
  await restart({ READ_WAIT_MS: '1999' });
  const [first, same, other, ...more] = await settings();
  assert.deepEqual([first === same, other === same, more.length], [true, false, 0]);
});

test('B-AD-11: a flag that somebody changed in its file is recorded as it came into force', async () => {
  await writeFile(join(server.dataDir, 'flags.json'), '{"hot-reads": "off"}');
  await flagged('flag:hot-reads=off');
  await writeFile(join(server.dataDir, 'flags.json'), '{}');
  await flagged('flag:hot-reads=on');
});
