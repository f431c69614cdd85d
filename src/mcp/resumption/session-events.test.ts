import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type JSONRPCMessage,
  McpServer,
  type ServerContext,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import { systemClock } from '../../kernel/clock.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { createDisclosures } from '../../twin/disclosures.ts';
import type { AuditEntry, Principal } from '../../twin/ports.ts';
import type { Caller } from '../../twin/reader/index.ts';
import { principal } from '../subscriptions/test/rig.ts';
import { KeptBytes } from './budget.ts';
import { SessionEvents } from './session-events.ts';

const VERSION = '2025-11-25';
const ANA = 'mcp://twins/member/ana/coverage';
const BEN = 'mcp://twins/member/ben/coverage';

let correlation = 0;
const callerOf = (owner: Principal): Caller => {
  correlation += 1;
  return { principal: owner, correlationId: `c${correlation}` };
};
const ana = principal('ana');

/** A session on the SDK's own transport, whose one tool shows what it is told to, when it is let. */
async function session(room = new KeptBytes()) {
  let nowMs = 0;
  const clock = { ...systemClock, monotonic: () => nowMs };
  const audited: AuditEntry[] = [];
  const asked: AuditEntry[][] = [];
  const audit = {
    append: async (entry: AuditEntry) => void audited.push(entry),
    read: () => Promise.reject(new Error('nobody asks')),
  };
  const { trail, disclosures } = createDisclosures(audit);
  const judge = { approve: async (): Promise<boolean> => true };
  const reader = {
    showAgain: (_: Caller, shown: readonly AuditEntry[]) => {
      asked.push([...shown]);
      return judge.approve();
    },
  };
  const parts = { reader, audit: trail, disclosures, clock, report: () => undefined };
  const events = new SessionEvents(parts, 'demo', room);
  const transport = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: () => 'session',
    eventStore: events,
  });
  const server = new McpServer({ name: 'test', version: '1' }, { capabilities: { tools: {} } });
  const held = new Map<unknown, () => void>();
  server.server.setRequestHandler('tools/list', async (request, ctx) => {
    const { uri, size, wait, tell } = (request.params?._meta ?? {}) as Wanted;
    if (wait) await new Promise<void>((resolve) => held.set(ctx.mcpReq.id, resolve));
    if (tell) await server.server.sendToolListChanged();
    const { correlationId } = callerIn(ctx);
    const what = uri === undefined ? [] : [{ uri, etag: '"1"' }];
    const entry = { action: 'read', outcome: 'success', correlationId, what, why: 'may' } as const;
    if (what.length > 0) await trail.append(entry);
    return { tools: [], nextCursor: 'x'.repeat(size ?? 1) };
  });
  await server.connect(transport);
  const post = (caller: Caller, message: JSONRPCMessage, more: Record<string, string> = {}) => {
    const request = new Request('http://localhost/mcp', {
      method: 'POST',
      headers: {
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        ...more,
      },
    });
    const authInfo = { token: '', clientId: '', scopes: [], extra: { caller } };
    return () => transport.handleRequest(request, { parsedBody: message, authInfo });
  };
  const own = { 'mcp-session-id': 'session', 'mcp-protocol-version': VERSION };
  const params = { protocolVersion: VERSION, capabilities: {}, clientInfo: INFO };
  const opening = callerOf(ana);
  await events.asking(
    opening,
    0,
    post(opening, { jsonrpc: '2.0', id: 0, method: 'initialize', params }),
  );
  await post(opening, { jsonrpc: '2.0', method: 'notifications/initialized' }, own)();
  return {
    ...{ events, room, audited, asked, judge, transport },
    later(ms: number) {
      nowMs += ms;
    },
    answer: (id: number) => held.get(id)?.(),
    /** Asks, and takes the answer's bytes, or goes at once. */
    async ask(
      id: number,
      meta: Wanted = {},
      { owner = ana, goes = false, version = VERSION } = {},
    ) {
      const caller = callerOf(owner);
      const message = {
        jsonrpc: '2.0',
        id,
        method: 'tools/list',
        params: { _meta: meta },
      } as const;
      const headers = { ...own, 'mcp-protocol-version': version };
      const response = await events.asking(caller, id, post(caller, message, headers));
      if (!goes) return await textOf(response);
      const reader = response.body?.getReader();
      const { value } = (await reader?.read()) ?? {};
      await reader?.cancel();
      return new TextDecoder().decode(value);
    },
    /** Comes back; answers the response. */
    resume(eventId: string, owner = ana) {
      const headers = { ...own, accept: 'text/event-stream', 'last-event-id': eventId };
      const request = new Request('http://localhost/mcp', { headers });
      return events.resuming(
        callerOf(owner),
        eventId,
        (id) => transport.closeSSEStream(id),
        () => transport.handleRequest(request),
      );
    },
  };
}

/** What the tool is to do, and show. */
interface Wanted extends Record<string, unknown> {
  readonly uri?: string | undefined;
  readonly size?: number;
  readonly wait?: boolean;
  readonly tell?: boolean;
}

function callerIn(ctx: ServerContext): Caller {
  return ctx.http?.authInfo?.extra?.caller as Caller;
}

const INFO = { name: 'test', version: '1' };

const textOf = (response: Response): Promise<string> => response.text();

const idsIn = (text: string): string[] =>
  [...text.matchAll(/^id: (.+)$/gm)].map(([, id]) => id ?? '');
const firstId = (text: string): string => idsIn(text)[0] ?? '';
const answersIn = (text: string): number => text.match(/"result":\{/g)?.length ?? 0;

test('B-MC-21: an answer is told once more to who comes back behind its first event', async () => {
  const { ask, resume, asked } = await session();
  const text = await ask(1, { uri: ANA });
  assert.equal(answersIn(text), 1);
  const [first = '', answer = ''] = idsIn(text);
  const again = await textOf(await resume(first));
  assert.deepEqual([answersIn(again), idsIn(again)], [1, [answer]]);
  assert.deepEqual(
    asked.flat().flatMap(({ what }) => what.map(({ uri }) => uri)),
    [ANA],
  );
  const behind = await resume(answer);
  assert.equal(behind.status, 204, 'who has heard all of it is told to stop');
});

test('B-MC-21: an answer that comes while its client is away waits for it', async () => {
  const { ask, resume, answer } = await session();
  const first = firstId(await ask(1, { wait: true }, { goes: true }));
  answer(1);
  assert.equal(answersIn(await textOf(await resume(first))), 1);
});

test('B-MC-21: whoever comes back first gets the answer when it comes, on the newest stream', async () => {
  const { ask, resume, answer } = await session();
  const first = firstId(await ask(1, { wait: true }, { goes: true }));
  const older = await resume(first);
  const newer = await resume(first);
  assert.equal(answersIn(await textOf(older)), 0, 'the older connection is ended');
  answer(1);
  assert.equal(answersIn(await textOf(newer)), 1);
});

test('B-MC-21: an answer that comes at any step of a resumption is told once', async () => {
  for (let steps = 0; steps < 40; steps += 1) {
    const { ask, resume, answer } = await session();
    const first = firstId(await ask(1, { wait: true, uri: ANA }, { goes: true }));
    const resuming = resume(first);
    for (let n = 0; n < steps; n += 1) await null;
    answer(1);
    const text = await textOf(await resuming);
    assert.equal(answersIn(text), 1, `${steps} steps: ${text}`);
  }
});

test('B-MC-21: nothing of the GET stream has an id or is kept, whoever sends it', async () => {
  const { ask, events, transport } = await session();
  const text = await ask(1, { tell: true });
  assert.doesNotMatch(text, /list_changed/);
  assert.equal(await events.storeEvent('_GET_stream', NOTE), '');
  const before = await ask(2, { tell: true }, { version: '2025-06-18' });
  assert.deepEqual([answersIn(before), idsIn(before).length], [1, 1], 'its own answer has one');
  const id = crypto.randomUUID();
  assert.equal(await events.storeEvent(id, NOTE), '', 'nor of what nobody asked for');
  await assert.rejects(events.replayEventsAfter(`${id}.0`, { send: async () => undefined }));
  await transport.close();
});

const NOTE = {
  jsonrpc: '2.0',
  method: 'notifications/resources/updated',
  params: { uri: ANA },
} as const;

test('B-MC-21: each session has its own store: another’s ids are unknown', async () => {
  const [one, other] = [await session(), await session()];
  const id = firstId(await one.ask(1, { uri: ANA }));
  await assert.rejects(other.resume(id), { code: 'INVALID_REQUEST' });
  assert.equal((await one.resume(id)).status, 200);
});

test('B-MC-21: a token with fewer scopes, or for another purpose, fetches nothing; that is recorded', async () => {
  const { ask, resume, audited } = await session();
  const owner = principal('ana', { scopes: new Set(['a', 'b']), purpose: 'TREAT' });
  const id = firstId(await ask(1, { uri: ANA }, { owner }));
  const less = [
    { ...owner, scopes: new Set(['a']) },
    { ...owner, purpose: 'HOPERAT' },
    principal('ana', { scopes: new Set(['a', 'b']) }),
  ];
  for (const token of less) await assert.rejects(resume(id, token), { code: 'INVALID_REQUEST' });
  assert.deepEqual(
    audited.filter(({ outcome }) => outcome === 'denied').map(({ action }) => action),
    ['session', 'session', 'session'],
  );
  const more = { ...owner, tokenId: 'renewed', scopes: new Set(['a', 'b', 'c']) };
  assert.equal(answersIn(await textOf(await resume(id, more))), 1);
});

test('B-MC-21: what may not be told again becomes an error, which stays', async () => {
  const { ask, resume, judge } = await session();
  const id = firstId(await ask(1, { uri: ANA, size: 100 }));
  judge.approve = async () => false;
  for (const _ of [1, 2]) {
    const text = await textOf(await resume(id));
    assert.match(text, /"id":1,"error":\{"code":-32602/);
    assert.doesNotMatch(text, /"result"|xxx|ana/);
    judge.approve = async () => true;
  }
});

test('B-MC-21: a change of access empties what it may concern at once, and nothing else', async () => {
  const { ask, resume, events, room } = await session();
  const of = async (id: number, uri?: string) => firstId(await ask(id, { uri, size: 10_000 }));
  const [anas, bens, none, strange] = [
    await of(1, ANA),
    await of(2, BEN),
    await of(3),
    await of(4, 'x'),
  ];
  const bytes = room.size;
  events.accessChanged({ kind: 'objects', objects: [{ type: 'member', id: 'ana' }] });
  assert.ok(room.size < bytes - 18_000);
  const told = async (id: string) => answersIn(await textOf(await resume(id)));
  assert.deepEqual(
    [await told(anas), await told(bens), await told(none), await told(strange)],
    [0, 1, 1, 0],
  );
  events.accessChanged({ kind: 'everything' });
  assert.deepEqual([await told(bens), await told(none)], [0, 1]);
  events.accessChanged({ kind: 'token', tokenId: 'another' });
  assert.equal(await told(none), 1);
  events.accessChanged({ kind: 'token', tokenId: ana.tokenId });
  assert.equal(await told(none), 0);
});

test('B-MC-21: a change of access while the answer is judged still empties it', async () => {
  const { ask, resume, events, judge } = await session();
  const id = firstId(await ask(1, { uri: ANA }));
  judge.approve = async () => {
    events.accessChanged({ kind: 'everything' });
    return true;
  };
  assert.equal(answersIn(await textOf(await resume(id))), 0);
});

test('B-MC-21: answers are kept for a time, in a number and in bytes that are bounded', async () => {
  const { ask, resume, later, room } = await session();
  const old = firstId(await ask(1, { size: 1_000 }));
  later(LIMITS.keptAnswerMs + 1);
  await assert.rejects(resume(old), { code: 'INVALID_REQUEST' }, 'age');
  assert.equal(room.size, 0);

  const half = LIMITS.keptAnswerBytesPerSessionMax / 2;
  const ids = [];
  for (const id of [2, 3, 4]) ids.push(firstId(await ask(id, { size: half - 1_000 })));
  assert.ok(room.size <= LIMITS.keptAnswerBytesPerSessionMax);
  const [first = '', , last = ''] = ids;
  await assert.rejects(resume(first), { code: 'INVALID_REQUEST' }, 'bytes');
  assert.equal((await resume(last)).status, 200);
  const huge = await ask(5, { size: 2 * half });
  assert.equal(answersIn(huge), 1, 'who is there gets it all the same');
  await assert.rejects(resume(firstId(huge)), { code: 'INVALID_REQUEST' });

  const many = [];
  for (let id = 10; id < 11 + LIMITS.resumableRequestsPerSessionMax; id += 1) {
    many.push(firstId(await ask(id)));
  }
  await assert.rejects(resume(many[0] ?? ''), { code: 'INVALID_REQUEST' }, 'number');
  assert.equal((await resume(many.at(-1) ?? '')).status, 200);
});

test('B-MC-21: sessions of one tenant keep no more together than its share, and give it back', () => {
  const room = new KeptBytes();
  assert.equal(room.take('a', LIMITS.keptAnswerBytesPerTenantMax), true);
  assert.equal(room.take('a', 1), false);
  assert.equal(room.take('b', LIMITS.keptAnswerBytesPerTenantMax), true);
  assert.equal(room.take('c', 1), false, 'the instance is full');
  room.give('a', LIMITS.keptAnswerBytesPerTenantMax);
  assert.equal(room.take('c', 1), true);
});

test('B-MC-21: of a request that gave way to others no answer is kept: nobody knows what it shows', async () => {
  const { ask, resume, answer, asked } = await session();
  const first = firstId(await ask(1, { wait: true, uri: ANA }, { goes: true }));
  for (let id = 2; id < 2 + LIMITS.resumableRequestsPerSessionMax; id += 1) {
    await ask(id, { wait: true }, { goes: true });
  }
  answer(1);
  await new Promise((resolve) => setImmediate(resolve));
  await assert.rejects(resume(first), { code: 'INVALID_REQUEST' });
  assert.equal(asked.length, 0);
});

test('B-MC-21: a session that ends while an answer is judged tells nothing', async () => {
  const { ask, resume, events, judge } = await session();
  const id = firstId(await ask(1, { uri: ANA }));
  judge.approve = async () => {
    events.clear();
    return true;
  };
  await assert.rejects(resume(id), { code: 'INVALID_REQUEST' });
});

test('a session that ends keeps nothing', async () => {
  const { ask, resume, events, room } = await session();
  const id = firstId(await ask(1, { uri: ANA, size: 1_000 }));
  events.clear();
  assert.deepEqual([room.size, room.holders.size], [0, 0]);
  await assert.rejects(resume(id), { code: 'INVALID_REQUEST' });
});

test('B-FM-6: the id of a request without an answer is refused, though its client has gone', async () => {
  const { ask, answer, events } = await session();
  await ask(1, { wait: true }, { goes: true });
  await assert.rejects(ask(1), { code: 'INVALID_REQUEST' });
  answer(1);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(answersIn(await ask(1)), 1);
  await ask(2, { wait: true }, { goes: true });
  events.cancelled(2);
  assert.equal(answersIn(await ask(2)), 1, 'cancelled: it will have none');
});

test('clients before 2025-11-25, which get no first event, are answered as before', async () => {
  const { ask, resume } = await session();
  const text = await ask(1, { uri: ANA }, { version: '2025-06-18' });
  assert.deepEqual([answersIn(text), idsIn(text).length], [1, 1]);
  assert.equal((await resume(firstId(text))).status, 204);
});
