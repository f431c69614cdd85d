import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { Fault } from '../../kernel/errors.ts';
import type { AuditEntry, DeadLetters, Principal, Replays } from '../../twin/ports.ts';
import type { PlainParts } from '../parts.ts';
import { createPlainRoutes } from './index.ts';

const ID = 'a'.repeat(26);
let server: Server;
let url = '';
let audited: AuditEntry[] = [];
let asked: unknown[] = [];
let admin = true;
let scopes: string[] = ['admin'];
let kafka = true;
let auditFails = false;

const deadLetters: DeadLetters = {
  list: async (tenant, topic) => {
    asked.push(['list', tenant, topic]);
    return { topics: [], letters: [], more: false };
  },
  show: async (tenant, id) => {
    asked.push(['show', tenant, id]);
    return { id, key: 'Ana Example' } as never;
  },
  settle: async (tenant, id, outcome) => {
    asked.push([outcome, tenant, id]);
    if (id.startsWith('b')) throw new Fault('CONFLICT');
  },
};
const replays: Replays = {
  step: async (request) => {
    asked.push(request);
    return { sent: 1, skipped: 0 };
  },
};

/** What these routes touch of all the parts. */
function partsOf(): PlainParts {
  const parts = {
    authenticator: {
      authenticate: async () =>
        ({ subject: 'operator', tenant: 'demo', scopes: new Set(scopes) }) as Partial<Principal>,
      challenge: () => '',
      metadata: () => ({}),
    },
    access: { check: async () => [{ allowed: admin, revision: '1' }] },
    relations: { list: async () => ['organization:demo#admin@user:other'] },
    ofTenant: () => true,
    audit: {
      append: async (entry: AuditEntry) => {
        if (auditFails) throw new Fault('AUDIT_UNAVAILABLE');
        audited.push(entry);
      },
    },
    report: () => undefined,
    ...(kafka && { deadLetters, replays }),
  };
  return parts as unknown as PlainParts;
}

beforeEach(async () => {
  [audited, asked, admin, scopes, kafka, auditFails] = [[], [], true, ['admin'], true, false];
  server = createServer((req, res) => createPlainRoutes(partsOf())(req, res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => new Promise((resolve) => server.close(resolve)));

async function ask(method: string, path: string, body?: unknown) {
  const response = await fetch(url + path, {
    method,
    ...(body !== undefined && {
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    }),
  });
  return { status: response.status, text: await response.text() };
}

const ROUTES: readonly (readonly [string, string, unknown?])[] = [
  ['GET', '/v1/dlq'],
  ['GET', `/v1/dlq/${ID}`],
  ['POST', `/v1/dlq/${ID}/retry`],
  ['POST', `/v1/dlq/${ID}/discard`],
  ['POST', '/v1/replays', { topic: 'rte-completion', from: { offset: 0 } }],
];

for (const [method, path, body] of ROUTES) {
  test(`${method} ${path} needs the scope admin, and an admin of the organization`, async () => {
    assert.equal((await ask(method, path, body)).status, 200);
    assert.equal(asked.length, 1);
    asked = [];
    scopes = ['twin:read', 'audit:read', 'sources:write', 'relations:write'];
    assert.equal((await ask(method, path, body)).status, 403);
    [scopes, admin] = [['admin'], false];
    assert.equal((await ask(method, path, body)).status, 404);
    assert.deepEqual(asked, []);
    assert.equal(audited.at(-1)?.outcome, 'denied');
  });

  test(`${method} ${path} says where there is no Kafka`, async () => {
    kafka = false;
    const { status, text } = await ask(method, path, body);
    assert.equal(status, 404);
    assert.match(text, /no Kafka/);
  });
}

test('a letter is not shown when the audit cannot say so', async () => {
  auditFails = true;
  const { status, text } = await ask('GET', `/v1/dlq/${ID}`);
  assert.equal(status, 503);
  assert.doesNotMatch(text, /Ana/);
});

test('what was done with a letter, or was refused, stands in the audit', async () => {
  await ask('POST', `/v1/dlq/${ID}/retry`);
  const conflict = await ask('POST', `/v1/dlq/${'b'.repeat(26)}/discard`);
  assert.equal(conflict.status, 409);
  assert.deepEqual(
    audited.map(({ action, outcome, what, why }) => [action, outcome, what[0]?.uri, why]),
    [
      ['dead-letter', 'success', `dead-letter:${ID}`, audited[0]?.why],
      ['dead-letter', 'failed', `dead-letter:${'b'.repeat(26)}`, audited[1]?.why],
    ],
  );
  assert.match(audited[0]?.why ?? '', /^retry:/);
  assert.match(audited[1]?.why ?? '', /^discard:/);
});

test('P10: what is unknown or malformed is an error', async () => {
  const from = { offset: 0 };
  for (const [method, path, body, expected] of [
    ['GET', '/v1/dlq?tenant=other', undefined, 400],
    ['GET', '/v1/dlq?topic=..%2Fx', undefined, 400],
    ['GET', '/v1/dlq/nothing', undefined, 404],
    ['POST', `/v1/dlq/${ID}/burn`, undefined, 404],
    ['POST', '/v1/replays', { topic: 'x' }, 400],
    ['POST', '/v1/replays', { topic: 'x', from: { offset: -1 } }, 400],
    ['POST', '/v1/replays', { topic: 'x', from: { time: 'yesterday' } }, 400],
    ['POST', '/v1/replays', { topic: 'x', from: { offset: 0, time: '2026-01-01T00:00:00Z' } }, 400],
    ['POST', '/v1/replays', { topic: '../x', from }, 400],
    ['POST', '/v1/replays', { topic: 'x', from, more: 1 }, 400],
  ] as const) {
    assert.equal((await ask(method, path, body)).status, expected, `${method} ${path}`);
  }
  assert.deepEqual(asked, []);
});
