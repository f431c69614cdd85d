import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { isSecretOf, metadataOf, openRegisteredClients } from './registered-clients.ts';
import { TOKEN_EXCHANGE } from './words.ts';

let dataDir: string;
let troubles: string[];
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'twin-clients-'));
  troubles = [];
});
afterEach(() => rmSync(dataDir, { recursive: true }));

const report = (error: unknown): void => void troubles.push(String(error));
const hash = (secret: string): string => createHash('sha256').update(secret).digest('hex');
const PORTAL = { client_id: 'portal', name: 'Portal', secret_sha256: hash('s'), may_act: 'scribe' };

function write(content: unknown, mode = 0o600): void {
  const path = join(dataDir, 'oauth-clients.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  chmodSync(path, mode);
}

test('the demo’s agent has a secret of this start alone, and may do what agents do', () => {
  const first = openRegisteredClients(dataDir, true, report);
  const second = openRegisteredClients(dataDir, true, report);
  assert.equal(first.demo?.id, 'assistant');
  assert.notEqual(first.demo?.secret, second.demo?.secret);
  const client = first.get('assistant');
  assert.ok(client !== undefined && isSecretOf(client.secretHash, String(first.demo?.secret)));
  assert.ok(!isSecretOf(client.secretHash, 'wrong'));
  const grants = metadataOf(client).grant_types as string[];
  assert.ok(grants.includes(TOKEN_EXCHANGE) && grants.includes('client_credentials'));
  assert.equal(openRegisteredClients(dataDir, false, report).get('assistant'), undefined);
});

test('the file is read again when it changes; a client that is no agent gets no token alone', () => {
  const clients = openRegisteredClients(dataDir, false, report);
  assert.equal(clients.get('portal'), undefined);
  write({ clients: [{ ...PORTAL, redirect_uris: ['https://portal.example.org/cb'] }] });
  const portal = clients.get('portal');
  assert.ok(portal !== undefined);
  assert.equal(portal.mayAct, 'scribe');
  assert.deepEqual(metadataOf(portal).grant_types, ['authorization_code', 'refresh_token']);
  write({ clients: [] });
  assert.equal(clients.get('portal'), undefined);
  assert.deepEqual(troubles, []);
});

test('a file that is wrong, or can be read by others, lets nobody in and says so', () => {
  for (const [content, mode] of [
    ['{', 0o600],
    [{ clients: [{ ...PORTAL, client_id: 'a b' }] }, 0o600],
    [{ clients: [{ ...PORTAL, secret_sha256: 's' }] }, 0o600],
    [{ clients: [{ ...PORTAL, redirect_uris: ['http://portal.example.org/cb'] }] }, 0o600],
    [{ clients: [{ ...PORTAL, scopes: ['everything'] }] }, 0o600],
    [{ clients: [{ ...PORTAL, extra: 1 }] }, 0o600],
    [{ clients: [PORTAL] }, 0o644],
  ] as const) {
    write(content, mode);
    troubles = [];
    const clients = openRegisteredClients(dataDir, true, report);
    assert.equal(clients.get('portal'), undefined);
    assert.equal(clients.get('assistant'), undefined);
    assert.equal(troubles.length, 1);
    assert.match(String(troubles[0]), /no client of it is let in/);
    assert.doesNotMatch(String(troubles[0]), /everything/);
  }
});
