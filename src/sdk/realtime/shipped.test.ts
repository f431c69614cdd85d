import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { EVENTS } from '../../contract/events/catalog.ts';
import type { EventType } from './events.ts';
import { readSection } from './reading.ts';

test('B-GW-37: an app is shipped less than 10 KB, and nothing of anybody else', async () => {
  const input = join(import.meta.dirname, 'index.ts');
  const bundle = await rolldown({ input, platform: 'browser' });
  const { output } = await bundle.generate({ format: 'esm', minify: true });
  await bundle.close();
  const [chunk, ...more] = output;
  assert.deepEqual(more, []);
  assert.deepEqual(chunk.imports, []);
  assert.deepEqual(chunk.dynamicImports, []);
  const outside = chunk.moduleIds.filter((id) => !/\/src\/(?:sdk|contract)\//.test(id));
  assert.deepEqual(outside, []);
  const bytes = gzipSync(chunk.code, { level: 9 }).byteLength;
  assert.ok(bytes < 10_000 && bytes > 1_000, `${bytes} bytes`);
});

/** A type that is missing here does not compile; one too many neither. */
const TYPED: Readonly<Record<EventType, true>> = {
  'twins.resource-created': true,
  'twins.resource-updated': true,
  'rte.processing': true,
  'rte.completed': true,
  'rte.failed': true,
  'rte.timed_out': true,
  'call.accepted': true,
  'call.ready': true,
  'call.ended': true,
  'call.join': true,
  'call.extend': true,
  'sessions.session.started': true,
  'sessions.session.resumed': true,
  'sessions.session.context-linked': true,
  'sessions.session.participant-joined': true,
  'sessions.session.ended': true,
  'sessions.session.expired': true,
  'sessions.service-request.created': true,
  'sessions.service-request.updated': true,
  'sessions.task.created': true,
  'sessions.task.updated': true,
  'sessions.task.completed': true,
  'sessions.coverage.updated': true,
  'sessions.care.updated': true,
};

test('B-GW-37: every event of the schemas that the gateway tells has its type', () => {
  const told = /^(?:twins\.resource-|rte\.(?!check)|call\.|sessions\.(?!notification))/;
  const types = EVENTS.map(({ type }) => type).filter((type) => told.test(type));
  assert.deepEqual(types.sort(), Object.keys(TYPED).sort());
});

test('B-GW-37: a section is read at least at a position, and nothing else is asked for', async () => {
  const asked: unknown[] = [];
  const document = { uri: 'u' };
  const fetch = (url: string | URL, init?: RequestInit): Promise<Response> => {
    asked.push([String(url), init?.headers, init?.cache]);
    return Promise.resolve(Response.json(document));
  };
  const read = (uri: string) => {
    return readSection(fetch, 'https://t.example', uri, { minPosition: 'p' });
  };
  assert.deepEqual(await read('mcp://twins/member/demo-ana/care'), document);
  for (const uri of ['mcp://sessions/x', 'mcp://twins/member/a/care/Task/1', 'https://evil/x']) {
    await assert.rejects(read(uri), { code: 'INVALID_ARGUMENT' });
  }
  assert.deepEqual(asked, [
    ['https://t.example/v1/twins/member/demo-ana/care', { 'min-position': 'p' }, 'no-store'],
  ]);
});
