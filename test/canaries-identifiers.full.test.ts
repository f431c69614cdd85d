import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { sleep } from '../src/kernel/clock.ts';
import { ask, callTool } from './support/ask.ts';
import { CANARY, canary } from './support/canaries.ts';
import { bundleOf } from './support/changes.ts';
import { oauth } from './support/oauth.ts';
import { kcat, type SharedKafka, sharedKafka } from './support/parts.ts';
import { run } from './support/run.ts';
import { LAUNCHER, startServer, type TestServer } from './support/server.ts';
import { tracesOf } from './support/traces.ts';

/**
 * The 18 identifiers of 45 CFR 164.514(b)(2)(i), each with texts of its own, through whatever a server
 * on Kafka has: imports, refusals, reads, agents, the audit and its exports, the de-identified export,
 * login pages and dead letters. None may stand anywhere but in records and what is made of them.
 */
const LETTERS = 'ABCDEFGHIJKLMNOPQR';
const planted = new Map([...LETTERS].map((letter) => [letter, canary()]));
const of = (letter: string): string => planted.get(letter) ?? assert.fail(letter);
const TEXTS = [...planted.values()];
const BIRTH_DATE = '1931-07-19';
/** Files that are records, or are made of them: the log's state, the view, and what waits for either. */
const RECORDS = /^(?:log|view|decider|outbox|inbox)/;

let shared: SharedKafka;
let server: TestServer;
let member: string;
const watched: string[] = [];

before(async () => {
  shared = await sharedKafka();
  const own = { MEMBER_IDS: 'opaque', DEMO: 'off', LOG_LEVEL: 'trace' };
  server = await startServer({ env: { ...shared.env, ...own } });
  const answer = await server.importBundle(bundleOf(...records()), 'eighteen');
  const text = await answer.text();
  assert.equal(answer.status, 201, text);
  member = (JSON.parse(text) as { members: { member: string }[] }).members[0]?.member ?? '';
  const officer = 'organization:demo#privacy_officer@user:officer';
  await server.relations('touch', `member:${member}#self@user:nina`, officer);
});
after(() => server?.stop());

/** A member who has each of the identifiers, in the field that FHIR has for it and in words. */
function records(): Record<string, unknown>[] {
  const id = of('R');
  const subject = { reference: `Patient/${id}` };
  const typed = (code: string, letter: string) => ({
    type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code }] },
    system: `urn:example:${code.toLowerCase()}`,
    value: of(letter),
  });
  const note = [{ text: `seen: ${TEXTS.join(' ')} ${BIRTH_DATE}` }];
  return [
    {
      ...{ resourceType: 'Patient', id, gender: 'female', birthDate: BIRTH_DATE },
      name: [{ family: of('A'), given: [of('A')], text: of('A') }],
      address: [{ line: [of('B')], city: of('B'), district: of('B'), postalCode: of('B') }],
      telecom: [
        ...[
          { system: 'phone', value: of('D') },
          { system: 'fax', value: of('E') },
        ],
        ...[
          { system: 'email', value: of('F') },
          { system: 'url', value: of('N') },
        ],
      ],
      identifier: [
        ...[typed('SS', 'G'), typed('MR', 'H'), typed('MB', 'I'), typed('AN', 'J')],
        ...[typed('DL', 'K'), typed('VS', 'L'), typed('XX', 'R'), typed('XB', 'P')],
      ],
      photo: [{ contentType: 'image/png', title: of('Q') }],
    },
    {
      ...{ resourceType: 'Device', id: 'eighteen-device', status: 'active', patient: subject },
      ...{ serialNumber: of('M'), url: `https://${of('N')}.example`, note },
    },
    {
      ...{ resourceType: 'Condition', id: 'eighteen-condition', subject, note },
      code: { text: `Asthma of ${of('A')}, from ${of('O')} on ${of('C')}` },
    },
    {
      ...{ resourceType: 'Coverage', id: 'eighteen-coverage', status: 'active' },
      ...{ beneficiary: subject, subscriberId: of('I'), payor: [{ display: 'Plan' }] },
    },
  ];
}

async function told(response: Response): Promise<{ status: number; text: string }> {
  const text = await response.text();
  watched.push(JSON.stringify(Object.fromEntries(response.headers)));
  if (response.status >= 400) watched.push(text);
  return { status: response.status, text };
}

const get = async (as: string, scope: string, path: string, init: RequestInit = {}) =>
  await told(await server.fetch(await server.token(as, { scope }), path, init));

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await holds()); tries += 1) {
    assert.ok(tries < 300, what);
    await sleep(100);
  }
}

test('115: each identifier is there, and shown to who may read', async () => {
  const nina = await server.token('nina');
  const shown: string[] = [];
  await until('the member is in the view', async () => {
    const answer = await server.fetch(nina, `/v1/twins/member/${member}/profile`);
    shown.push(await answer.text());
    return answer.status === 200;
  });
  for (const section of ['profile', 'coverage', 'clinical']) {
    const uri = `mcp://twins/member/${member}/${section}`;
    shown.push((await ask(server, nina, 'resources/read', { uri })).answer.text);
  }
  const seen = TEXTS.filter((text) => shown.join().includes(text));
  assert.ok(seen.length >= 6, `only ${seen.join()} can be read at all`);
  assert.equal(new Set(TEXTS).size, LETTERS.length);
});

test('115: refusals of imports, searches, chats, agents and explanations repeat none', async () => {
  const nina = await server.token('nina');
  for (const text of TEXTS) {
    const [patient] = records();
    for (const wrong of [{ gender: text }, { birthDate: text }, { name: text }, { [text]: text }]) {
      const body = bundleOf({ ...patient, id: `w-${text}`, ...wrong });
      await told(await server.importBundle(body, 'eighteen'));
    }
    for (const [name, args] of [
      ['search', { query: text }],
      ['search', { query: 'a', member: text }],
      ['chat', { message: text }],
      ['readDocument', { uri: text }],
    ] as const) {
      const { failed, text: said } = await callTool(server, nina, name, args).catch(() => ({
        failed: false,
        text: '',
      }));
      if (failed) watched.push(said);
    }
    const sent = { method: 'PUT', headers: { 'content-type': 'application/json' } };
    const body = JSON.stringify({ sections: [text], until: text });
    await get('nina', 'agents:manage twin:read', '/v1/agents/bot', { ...sent, body });
    const query = `subject=user:${text}&permission=view_care&object=member:${text}`;
    await get('operator', 'relations:write', `/v1/explain?${query}!`);
  }
  assert.ok(watched.length > 100, `${watched.length} answers`);
});

test('115: pages and endpoints of the login repeat none', async () => {
  const to = oauth(server.url);
  for (const text of TEXTS) {
    const redirect = 'http://127.0.0.1:4321/callback';
    for (const client_id of [text, `https://${text}.example/client.json`]) {
      await told(await fetch(to.request({ client_id, redirect_uri: redirect }).url));
    }
    await told(await fetch(`${server.url}/oauth/interaction/${text}`));
    for (const answer of [
      await to.register({ client_name: text, redirect_uris: [`javascript:${text}`] }),
      await to.post('/oauth/token', {
        grant_type: 'authorization_code',
        code: text,
        client_id: text,
      }),
      await to.post('/oauth/token', { grant_type: text, client_id: text }),
      await to.post('/oauth/revoke', { token: text, client_id: text }),
    ]) {
      assert.ok(answer.status >= 400, `${answer.status}`);
      watched.push(JSON.stringify([answer.body, Object.fromEntries(answer.headers)]));
    }
  }
});

test('115: a dead letter, its list and its topic hold none', async () => {
  const kafka = new Kafka({ brokers: [shared.address], logLevel: logLevel.NOTHING });
  const producer = kafka.producer();
  await producer.connect();
  const value = JSON.stringify({ resourceType: 'Patient', name: TEXTS, birthDate: BIRTH_DATE });
  const headers = { tenant: 'demo', source: 'eighteen', 'event-id': 'eighteen-dead' };
  const messages = [{ key: of('A'), value, headers }];
  await producer.send({ topic: `${shared.prefix}twins.intake`, messages });
  await producer.disconnect();
  let listed = '';
  await until('the letter is listed', async () => {
    listed = (await run(LAUNCHER, ['dlq', 'list', '--json', '--data-dir', server.dataDir])).stdout;
    return /"reason"/.test(listed);
  });
  assert.doesNotMatch(listed, CANARY);
  const topic = `${shared.prefix}twins.intake.dlq`;
  const consume = ['-C', '-b', shared.address, '-t', topic, '-o', 'beginning', '-e', '-q'];
  const letters = await kcat([...consume, '-f', '%k|%h|%s\n']);
  assert.match(letters, /dlq-reason=/);
  assert.doesNotMatch(letters, CANARY);
});

test('115: the audit’s rows, events, reviews and disclosures hold none', async () => {
  for (const path of [
    'rows',
    'events',
    'review',
    `disclosures/${member}`,
    'checkpoints',
    'verify',
  ]) {
    const { status, text } = await get('officer', 'audit:read', `/v1/audit/${path}`);
    assert.equal(status, 200, `${path}: ${text}`);
    assert.ok(text.length > 2, path);
    // What a client sends as a URI is an attack, and is kept as it was sent.
    const telling = text.split('\n').filter((line) => CANARY.test(line));
    const told = telling.filter((line) => !/outcome\\*":\\*"(?:denied|4|8)\\*"/.test(line));
    assert.deepEqual(told, [], path);
  }
});

test('115: the de-identified export holds none of the eighteen', async () => {
  const { status, text } = await get('operator', 'twin:deidentified', '/v1/deidentified');
  assert.equal(status, 200, text);
  assert.match(text, /"resourceType":"Patient"/);
  assert.deepEqual(
    [...planted].filter(([, value]) => text.includes(value)),
    [],
  );
  assert.ok(!text.includes(BIRTH_DATE) && !text.includes(member));
});

test('115: errors, headers, the log, metrics and every file that is no record hold none', async () => {
  assert.deepEqual(
    watched.filter((text) => CANARY.test(text)),
    [],
  );
  const admin = await server.token('operator', { scope: 'admin' });
  assert.doesNotMatch(await (await server.fetch(admin, '/metrics')).text(), CANARY);
  assert.deepEqual(
    server
      .output()
      .split('\n')
      .filter((line) => CANARY.test(line)),
    [],
  );
  const files = await readdir(server.dataDir);
  for (const file of ['audit.db', 'audit-trail.db']) assert.ok(files.includes(file), files.join());
  // What was sent as a URI stands in the audit, as it was sent; nothing else of them does.
  const found = (await tracesOf(server.dataDir, TEXTS)).filter((one) => !RECORDS.test(one));
  const elsewhere = found.filter((one) => !/^audit(?:-trail)?\.db/.test(one));
  assert.deepEqual(elsewhere, []);
  for (const file of files.filter((one) => one.startsWith('audit'))) {
    const bytes = await readFile(join(server.dataDir, file));
    assert.ok(!bytes.includes(BIRTH_DATE), file);
  }
});
