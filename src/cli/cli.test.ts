import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { etagOf } from './rig/fake-mcp.ts';
import { errorBody, type FakeRequest, type FakeTwin, startFakeTwin } from './rig/fake-twin.ts';
import { run } from './rig/run.ts';

const COVERAGE = 'mcp://twins/member/demo-ana/coverage';
let dataDir: string;
let empty: string;
let fake: FakeTwin;

before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'twin-cli-'));
  empty = await mkdtemp(join(tmpdir(), 'twin-cli-empty-'));
  fake = await startFakeTwin(dataDir);
  fake.mcp.change(COVERAGE);
});

after(async () => {
  await fake.stop();
  await rm(dataDir, { recursive: true });
  await rm(empty, { recursive: true });
});

afterEach(() => {
  fake.route = () => undefined;
  fake.asked.length = 0;
  fake.tokens.length = 0;
});

/** Answers every plain request alike. */
function answering(body: unknown, status = 200): void {
  fake.route = () => ({ status, body });
}

const COMMANDS = [
  ['serve'],
  ['stdio'],
  ['doctor'],
  ['config', 'print'],
  ['reset'],
  ['import'],
  ['members', 'find'],
  ['get'],
  ['search'],
  ['watch'],
  ['chat'],
  ['token'],
  ['relations', 'write'],
  ['relations', 'delete'],
  ['relations', 'list'],
  ['explain'],
  ['audit', 'verify'],
  ['dlq', 'list'],
  ['dlq', 'show'],
  ['dlq', 'retry'],
  ['dlq', 'discard'],
  ['replay'],
];

test('every command has a help and ends with 0', async () => {
  const { out } = await run(empty, ['--help']);
  for (const command of COMMANDS) {
    assert.ok(out.includes(`  ${command[0]} `), `${command[0]} stands in --help`);
    const help = await run(empty, [...command, '--help']);
    assert.equal(help.exit, 0);
    assert.match(help.out, new RegExp(`Usage: digital-twin ${command.join(' ')}`));
  }
});

const USAGE: readonly (readonly string[])[] = [
  ['nonsense'],
  ['get'],
  ['get', COVERAGE, '--unknown'],
  ['get', COVERAGE, '--as', 'ana', '--token', 'token-x'],
  ['search', 'x', '--limit', '51'],
  ['relations', 'list', 'member demo-ana'],
  ['token', '--ttl', '-1'],
  ['reset'],
  ['import', '/no/such/file.json'],
];

for (const argv of USAGE) {
  test(`usage: ${argv.join(' ')} ends with 2`, async () => {
    const { exit, out, err } = await run(dataDir, argv);
    assert.deepEqual([exit, out], [2, '']);
    assert.notEqual(err, '');
  });
}

test('a setting that is wrong ends with 2 and names it', async () => {
  const { exit, err } = await run(dataDir, ['get', COVERAGE], { env: { DEMO: 'maybe' } });
  assert.equal(exit, 2);
  assert.match(err, /DEMO must be one of on, off/);
});

test('no server: 4, and how to start one', async () => {
  for (const argv of [
    ['get', COVERAGE],
    ['token', '--as', 'ana'],
    ['members', 'find', 'Ana'],
  ]) {
    const { exit, err } = await run(empty, argv);
    assert.equal(exit, 4);
    assert.match(err, /no server runs on DATA_DIR .*: start one with `npm start`/);
  }
});

test('a server that does not answer at --url: 4', async () => {
  const argv = ['get', COVERAGE, '--url', 'http://127.0.0.1:9', '--token', 'token-x'];
  const { exit, err } = await run(empty, argv);
  assert.equal(exit, 4);
  assert.match(err, /cannot be reached/);
});

test('a refused token: 3, over MCP and plain HTTP', async () => {
  for (const argv of [
    ['get', COVERAGE],
    ['audit', 'verify'],
  ]) {
    const { exit, err } = await run(dataDir, [...argv, '--token', 'wrong']);
    assert.equal(exit, 3, err);
    assert.match(err, /DIGITAL_TWIN_TOKEN/);
  }
});

test('the key of server.json is not sent to another address: 3', async () => {
  const { exit, err } = await run(dataDir, ['get', COVERAGE, '--url', 'http://127.0.0.1:9']);
  assert.equal(exit, 3);
  assert.match(err, /give --token/);
  assert.equal(fake.tokens.length, 0);
});

test('a missing scope: 3, and which one', async () => {
  answering(errorBody('INSUFFICIENT_SCOPE', 'Lacks a scope.', { scopes: ['audit:read'] }), 403);
  const { exit, err } = await run(dataDir, ['audit', 'verify']);
  assert.equal(exit, 3);
  assert.match(err, /--scope 'audit:read'/);
});

test('not there or not readable: 1', async () => {
  const { exit, err } = await run(dataDir, ['get', 'mcp://twins/member/x/care', '--json']);
  assert.equal(exit, 1);
  assert.match(err, /explain/);
});

test('--token, --as, DIGITAL_TWIN_TOKEN and operator, in this order', async () => {
  const env = { DIGITAL_TWIN_TOKEN: 'token-env' };
  answering({ members: [] });
  const bearer = async (more: string[], environment = {}) => {
    fake.asked.length = 0;
    await run(dataDir, ['members', 'find', 'x', ...more], { env: environment });
    return fake.asked[0]?.headers.authorization?.replace(/-\d+$/, '');
  };
  assert.equal(await bearer(['--token', 'token-flag'], env), 'Bearer token-flag');
  assert.equal(await bearer(['--as', 'ana'], env), 'Bearer token-ana');
  assert.equal(await bearer([], env), 'Bearer token-env');
  assert.equal(await bearer([]), 'Bearer token-operator');
});

test('a command asks for the scope that it needs and no more', async () => {
  const proof = { ok: true, records: 0, generations: [], says: [] };
  answering({ members: [], relationships: [], allowed: true, why: [], ...proof });
  const scopeOf = async (argv: string[]) => {
    fake.tokens.length = 0;
    const { exit, err } = await run(dataDir, argv);
    assert.equal(exit, 0, err);
    return fake.tokens[0]?.scope;
  };
  assert.equal(await scopeOf(['members', 'find', 'x']), 'sources:write');
  assert.equal(await scopeOf(['relations', 'list', 'member']), 'relations:write');
  assert.equal(await scopeOf(['explain', 'user:ana', 'chat', 'member:x']), 'relations:write');
  assert.equal(await scopeOf(['audit', 'verify']), 'audit:read');
  assert.equal(await scopeOf(['get', COVERAGE, '--json']), undefined);
});

test('get --json prints the document', async () => {
  const { exit, out } = await run(dataDir, ['get', COVERAGE, '--json']);
  assert.equal(exit, 0);
  const document = JSON.parse(out) as { uri: string; etag: string };
  assert.deepEqual([document.uri, document.etag], [COVERAGE, etagOf(1)]);
});

test('token prints the token alone, with all that was asked for', async () => {
  const argv = ['token', '--as', 'ana', '--actor', 'assistant', '--ttl', '60', '--tenant', 'demo'];
  const purpose = ['--purpose', 'HPAYMT'];
  const { out } = await run(dataDir, [...argv, ...purpose, '--scope', 'twin:read', 'twin:chat']);
  assert.equal(out, 'token-ana-1\n');
  assert.deepEqual(fake.tokens[0], {
    as: 'ana',
    actor: 'assistant',
    ttlSeconds: 60,
    tenant: 'demo',
    purpose: 'HPAYMT',
    scope: 'twin:read twin:chat',
  });
});

test('tables are aligned, and nothing from a record steers the terminal', async () => {
  const one = { member: 'm1', tenant: 'demo', patient: 'p', birthDate: '1980-01-01' };
  const members = [
    { ...one, name: 'Ana\u001b[31m' },
    { ...one, member: 'member-2', name: 'Zoë' },
  ];
  answering({ members });
  const { out } = await run(dataDir, ['members', 'find', 'a'], { terminal: true });
  const [heading, first, second] = out.split('\n');
  const at = heading?.indexOf('NAME');
  assert.equal(first?.indexOf('Ana'), at);
  assert.equal(second?.indexOf('Zoë'), at);
  assert.ok(!out.includes('\u001b'));
});

test('relations go as touch and delete, and list by object and relation', async () => {
  const sent: FakeRequest[] = [];
  fake.route = (request) => {
    sent.push(request);
    return { body: request.method === 'GET' ? { relationships: ['a', 'b'] } : { zedToken: 'z' } };
  };
  await run(dataDir, ['relations', 'write', 'member:a#self@user:ana']);
  await run(dataDir, ['relations', 'delete', 'member:a#self@user:ana']);
  const { out } = await run(dataDir, ['relations', 'list', 'member:a#self']);
  const bodies = sent.slice(0, 2).map(({ body }) => JSON.parse(String(body)) as unknown);
  const change = (operation: string) => ({
    changes: [{ operation, relationship: 'member:a#self@user:ana' }],
  });
  assert.deepEqual(bodies, [change('touch'), change('delete')]);
  assert.equal(String(sent[2]?.query), 'type=member&id=a&relation=self');
  assert.equal(out, 'a\nb\n');
});

test('an audit trail that does not verify: 1', async () => {
  answering({ ok: false, records: 3, firstBad: 2, generations: [], says: [] });
  const { exit, out } = await run(dataDir, ['audit', 'verify']);
  assert.equal(exit, 1);
  assert.equal(out, 'broken at 2: 3 records\n');
});

test('colours stand on a terminal only', async () => {
  answering({ allowed: true, why: ['self'] });
  const argv = ['explain', 'user:ana', 'chat', 'member:demo-ana'];
  assert.equal((await run(dataDir, argv)).out, 'allowed\n  self\n');
  const { out } = await run(dataDir, argv, { terminal: true });
  assert.ok(out.startsWith('\u001b[32mallowed'));
});

test('serve hands its settings on and ends with the exit code of the server', async () => {
  const seen: unknown[] = [];
  const argv = ['serve', '--port', '0', '--idle-exit', '60', '--data-dir', '/somewhere'];
  const { exit } = await run(empty, argv, {
    serve(args) {
      seen.push(args);
      return Promise.resolve(7);
    },
  });
  assert.equal(exit, 7);
  assert.deepEqual(seen, [{ PORT: '0', IDLE_EXIT_SECONDS: '60', DATA_DIR: '/somewhere' }]);
});

test('doctor says what a start would: what mends each fault, and what only troubles it', async () => {
  const startFaults = () =>
    Promise.resolve([
      { part: 'twins.intake', what: 'does not exist', mend: 'digital-twin topics apply' },
      { part: 'REDIS_URL', what: 'does not answer', mend: 'start it', warning: true as const },
    ]);
  const { exit, out } = await run(dataDir, ['doctor'], { startFaults });
  assert.equal(exit, 1);
  assert.match(out, /^NO +twins\.intake +does not exist: digital-twin topics apply$/m);
  assert.match(out, /^ok +REDIS_URL +does not answer: start it$/m);
  assert.match(out, /1 to mend/);
});

test('doctor: well with a server, 4 and what to do without', async () => {
  const well = await run(dataDir, ['doctor']);
  assert.equal(well.exit, 0, well.out);
  const sick = await run(empty, ['doctor', '--json']);
  assert.equal(sick.exit, 4);
  const { findings } = JSON.parse(sick.out) as { findings: { what: string; ok: boolean }[] };
  assert.equal(findings.find(({ what }) => what === 'server')?.ok, false);
});

test('config print shows no secret', async () => {
  const { exit, out } = await run(dataDir, ['config', 'print'], {
    env: { DIGITAL_TWIN_TOKEN: 'very-secret' },
  });
  assert.equal(exit, 0);
  assert.match(out, /DIGITAL_TWIN_TOKEN +\(set, not shown\)/);
  assert.ok(!out.includes('very-secret'));
});

test('reset empties a data directory of ours, and no other', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'twin-reset-'));
  for (const name of ['log.db', 'log.db-wal', 'view.db', 'letter.txt']) {
    await writeFile(join(dir, name), 'x');
  }
  assert.equal((await run(dir, ['reset', '--demo'])).exit, 1);
  assert.equal((await readdir(dir)).length, 4);
  await writeFile(join(dir, 'keys.json'), '{}');
  assert.equal((await run(dir, ['reset', '--demo'])).exit, 0);
  assert.deepEqual((await readdir(dir)).sort(), ['keys.json', 'letter.txt', 'lock.db']);
  await rm(dir, { recursive: true });
});
