import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CLIENTS } from './support/clients.ts';
import { startServer, type TestServer } from './support/server.ts';

/** Practitioners, panels and access logs by plain HTTP: the same reader as every other surface. */

let server: TestServer;
before(async () => {
  server = await startServer();
});
after(() => server.stop());

const PANEL = 'practitioner/demo-dr-eve/panel';

async function read(as: string, path: string, more: Record<string, unknown> = {}) {
  const response = await server.fetch(await server.token(as, more), `/v1/twins/${path}`);
  const body = (await response.json()) as { data: Record<string, unknown> };
  return { status: response.status, data: body.data };
}

async function membersOf(as: string, more: Record<string, unknown> = {}): Promise<string[]> {
  const { data } = await read(as, PANEL, more);
  return (data.members as { member: string }[]).map(({ member }) => member);
}

interface Entry {
  readonly who: string;
  readonly by?: string;
  readonly action: string;
  readonly outcome: string;
  readonly what: readonly string[];
  readonly right: string;
}

async function logOf(as: string, member: string): Promise<Entry[]> {
  const { data } = await read(as, `member/${member}/access-log`);
  return data.entries as Entry[];
}

test('a practitioner’s profile and schedule are read by who may, and by nobody else', async () => {
  const profile = await read('eve', 'practitioner/demo-dr-eve/profile');
  assert.match(JSON.stringify(profile.data), /Dr\. Eve Demo-Ellis.*Demo Clinic/);
  const schedule = await read('eve', 'practitioner/demo-dr-eve/schedule');
  const taken = schedule.data.appointments as { starts: string; where: string }[];
  assert.ok(taken.length > 0);
  assert.ok(taken.every(({ where }) => where === 'Demo Clinic North'));
  assert.doesNotMatch(JSON.stringify(schedule.data), /Ana|demo-ana|Diabetes/);
  for (const section of ['profile', 'schedule', 'panel']) {
    assert.equal((await read('ben', `practitioner/demo-dr-eve/${section}`)).status, 404);
    assert.equal((await read('eve', `practitioner/demo-dr-nobody/${section}`)).status, 404);
  }
});

test('B-TW-7: a panel lists whom the practitioner treats, as far as the caller may read them', async () => {
  assert.deepEqual(await membersOf('eve'), ['demo-ana', 'demo-dov']);
  // The administrator may see the panel, and no member's profile.
  assert.deepEqual(await membersOf('operator', { scope: 'twin:read' }), []);
  await server.relations('touch', 'member:demo-ben#practitioner@practitioner:demo-dr-eve');
  assert.deepEqual(await membersOf('eve'), ['demo-ana', 'demo-ben', 'demo-dov']);
  await server.relations('delete', 'member:demo-ben#practitioner@practitioner:demo-dr-eve');
  assert.deepEqual(await membersOf('eve'), ['demo-ana', 'demo-dov']);
});

test('B-TW-8: an access log tells who saw the twin, also by a panel or through an agent', async () => {
  await read('ana', 'member/demo-ana/care', { actor: 'assistant' });
  await read('ben', 'member/demo-ana/clinical');
  await membersOf('eve');
  const [panel, denied, care] = await logOf('ana', 'demo-ana');
  assert.deepEqual(
    [panel?.who, panel?.what, panel?.right],
    ['user:eve', ['profile'], 'view_panel'],
  );
  assert.deepEqual([denied?.who, denied?.outcome], ['user:ben', 'denied']);
  assert.deepEqual(
    [care?.who, care?.by, care?.what, care?.right],
    ['user:ana', 'agent:assistant', ['care'], 'view_care'],
  );
  const [newest] = await logOf('officer', 'demo-ana');
  assert.deepEqual(newest, panel, 'to read it shows in it once the day is over');
});

test('an access log is not for others, whoever they treat', async () => {
  for (const as of ['eve', 'ben', 'nurse']) {
    assert.equal((await read(as, 'member/demo-ana/access-log')).status, 404);
  }
  assert.equal((await read('ana', 'member/demo-nobody/access-log')).status, 404);
});

test('what is stored of practitioners is listed and fed to who may read it, and to nobody else', async () => {
  const connect = CLIENTS['SDK 2.x over HTTP, 2026-07-28'];
  assert.ok(connect);
  const seen = async (as: string): Promise<string[]> => {
    const { url, dataDir } = server;
    const client = await connect({ url, dataDir, token: await server.token(as), as });
    try {
      const listed = (await client.list()).resources.map(({ uri }) => uri);
      for (const uri of listed) await client.read(uri);
      const { contents } = await client.read('mcp://twins/changes/start');
      const fed = JSON.parse(contents[0]?.text ?? '') as { data: { changes: { uri: string }[] } };
      const changed = new Set(fed.data.changes.map(({ uri }) => uri));
      const own = listed.filter((uri) => uri.includes('/practitioner/'));
      assert.deepEqual([...changed].filter((uri) => uri.includes('/practitioner/')).sort(), own);
      return own;
    } finally {
      await client.close();
    }
  };
  const profile = 'mcp://twins/practitioner/demo-dr-eve/profile';
  assert.deepEqual(await seen('eve'), [profile, 'mcp://twins/practitioner/demo-dr-eve/schedule']);
  assert.deepEqual(await seen('nurse'), [profile]);
  assert.deepEqual(await seen('ana'), []);
});

test('a schedule is told of when it changes; a panel and an access log cannot be subscribed to', async () => {
  const connect = CLIENTS['SDK 2.x over HTTP, 2026-07-28'];
  assert.ok(connect);
  const { url, dataDir } = server;
  const client = await connect({ url, dataDir, token: await server.token('eve'), as: 'eve' });
  try {
    const schedule = 'mcp://twins/practitioner/demo-dr-eve/schedule';
    const asked = [schedule, `mcp://twins/${PANEL}`, 'mcp://twins/member/demo-ana/access-log'];
    assert.deepEqual(await client.subscribe(asked), [schedule]);
    const slot = { resourceType: 'Slot', id: 'slot-1', status: 'free' };
    const entry = [
      resourceEntry({
        resourceType: 'Schedule',
        id: 'schedule-1',
        actor: [{ reference: 'Practitioner/demo-dr-eve' }],
      }),
      resourceEntry({
        ...slot,
        schedule: { reference: 'Schedule/schedule-1' },
        start: '2026-12-01T09:00:00Z',
        end: '2026-12-01T09:30:00Z',
      }),
    ];
    const bundle = { resourceType: 'Bundle', type: 'transaction', entry };
    assert.equal((await server.importBundle(JSON.stringify(bundle))).status, 201);
    await client.heard(1);
    assert.equal(client.told[0]?.uri, schedule);
    const { contents } = await client.read(schedule);
    assert.match(contents[0]?.text ?? '', /"free":\[\{[^\]]*2026-12-01T09:00:00Z/);
  } finally {
    await client.close();
  }
});

function resourceEntry(resource: { resourceType: string; id: string } & Record<string, unknown>) {
  const { resourceType, id } = resource;
  return { resource, request: { method: 'PUT', url: `${resourceType}/${id}` } };
}
