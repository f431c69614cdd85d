import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { CallJoinEventSchema } from '../contract/events/calls/v1/call_pb.js';
import { Fault } from '../kernel/errors.ts';
import { createHealth } from './health.ts';
import { createLogger } from './logger.ts';
import { createMetrics } from './metrics.ts';

function captured(short = false) {
  const lines: string[] = [];
  const to = { write: (line: string) => void lines.push(line) };
  return { lines, logger: createLogger({ level: 'info', version: '1', short, to }) };
}

const CANARY = 'CANARY';
const TOKEN = `eyJhbGciOiJFUzI1NiJ9.${CANARY}.${CANARY}`;

test('a line holds its fields and the correlation id', () => {
  const { lines, logger } = captured();
  logger.with({ correlationId: 'abc' }).info({ port: 3333 }, 'listening');
  const line = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
  assert.equal(line.level, 'info');
  assert.equal(line.msg, 'listening');
  assert.equal(line.port, 3333);
  assert.equal(line.correlationId, 'abc');
});

test('an event that is logged shows what its annotations allow, wherever it stands', () => {
  const { lines, logger } = captured();
  const event = create(CallJoinEventSchema, {
    header: { id: 'e1', type: 'call.join', member: CANARY },
    callId: CANARY,
    data: Buffer.from(CANARY),
  });
  const cause = new Error('failed', { cause: event });
  logger.warn({ event, events: [event], err: cause, other: { $typeName: 'x.Y', CANARY } }, 'odd');
  assert.equal(lines[0]?.includes(CANARY), false, lines[0]);
  const { event: shown } = JSON.parse(lines[0] ?? '') as { event: Record<string, unknown> };
  assert.equal(shown.callId, '[other-unique-id]');
  assert.deepEqual(shown.header, { id: 'e1', type: 'call.join', member: '[other-unique-id]' });
});

for (const short of [false, true]) {
  test(`no header, token, URI, body or quoted input reaches a log; short: ${short}`, () => {
    const { lines, logger } = captured(short);
    let parseError: unknown;
    try {
      JSON.parse(`${CANARY} Doe`);
    } catch (error) {
      parseError = error;
    }
    const upstream = new Error(`no row for mcp://twins/member/${CANARY}/labs`);
    logger.error({ headers: { authorization: `Bearer ${CANARY}` } }, 'a');
    logger.error({ 'mcp-name': CANARY, 'Mcp-Param-Member': CANARY, Authorization: CANARY }, 'b');
    logger.error({ deep: { deep: { uri: CANARY, 'mcp-param-x': CANARY } } }, 'c');
    logger.error({ list: [`MCP://twins/member/${CANARY}`], body: CANARY }, 'd');
    logger.error({ err: parseError }, 'e');
    logger.error({ err: new Fault('INTERNAL', { cause: upstream }) }, 'f');
    logger.error({ err: new Fault('INTERNAL', { cause: { uri: CANARY } }) }, 'g');
    logger.error({}, `refused Bearer ${TOKEN} for mcp://twins/member/${CANARY}`);
    logger.error({ note: TOKEN, bytes: Buffer.from(CANARY) }, 'h');
    logger.with({ uri: CANARY, err: parseError }).error({}, '%s');
    assert.equal(lines.length, 10);
    assert.doesNotMatch(lines.join(''), new RegExp(CANARY));
    assert.match(lines.join(''), /SyntaxError/);
  });
}

test('an error keeps its kind, its code and where it came from', () => {
  const { lines, logger } = captured();
  logger.error({ err: new Fault('AUDIT_UNAVAILABLE', { cause: new Error('disk full') }) }, 'x');
  const { err } = JSON.parse(lines[0] ?? '') as { err: Record<string, unknown> };
  assert.equal(err.code, 'AUDIT_UNAVAILABLE');
  assert.match(String((err.stack as string[])[0]), /operations\.test\.ts/);
  assert.equal((err.cause as { message: string }).message, 'disk full');
});

for (const short of [false, true]) {
  test(`a name from outside cannot forge a line; short: ${short}`, () => {
    const { lines, logger } = captured(short);
    logger.warn({ id: 'x\r\n{"level":"fatal"}\u001b[31m' }, 'odd\nname');
    assert.equal(lines.length, 1);
    assert.equal(lines[0]?.trimEnd().split('\n').length, 1);
    assert.ok(!lines[0]?.includes('\u001b'));
  });
}

test('metrics count, and a label off the list makes no series', async () => {
  const metrics = createMetrics();
  metrics.served('mcp', 200, 0.01);
  metrics.served('/v1/twins/member/demo-ana', 12345, 0.01);
  metrics.read('coverage', 'success');
  metrics.read('demo-ana', 'success');
  metrics.decision(true);
  metrics.streams('listen', 3);
  metrics.notified(5);
  metrics.auditCommit(7, 0.002);
  metrics.viewLag(0.001);
  const text = await metrics.text();
  for (const line of [
    'digital_twin_http_request_seconds_count{route="mcp",status="200"} 1',
    'digital_twin_http_request_seconds_count{route="other",status="other"} 1',
    'digital_twin_reads_total{section="coverage",outcome="success"} 1',
    'digital_twin_reads_total{section="other",outcome="success"} 1',
    'digital_twin_decisions_total{from="cache"} 1',
    'digital_twin_streams_open{kind="listen"} 3',
    'digital_twin_notifications_total 5',
    'digital_twin_audit_records_total 7',
    'digital_twin_audit_commit_seconds_count 1',
    'digital_twin_view_lag_seconds_count 1',
  ]) {
    assert.ok(text.includes(`${line}\n`), line);
  }
  assert.doesNotMatch(text, /demo-ana/);
});

test('ready means every probe is ok; a failed one says nothing of its cause', async () => {
  const reported: unknown[] = [];
  let audit: () => { ok: boolean } = () => ({ ok: true });
  const probes = { log: async () => ({ ok: true, detail: 'epoch 1' }), audit: () => audit() };
  const health = createHealth(probes, (error) => reported.push(error));
  assert.deepEqual(await health.readiness(), {
    ready: true,
    log: { ok: true, detail: 'epoch 1' },
    audit: { ok: true },
  });
  audit = () => {
    throw new Error('postgres://u:pw@db');
  };
  const readiness = await health.readiness();
  assert.equal(readiness.ready, false);
  assert.deepEqual(readiness.audit, { ok: false });
  assert.equal(reported.length, 1);
});

test('a server that drains is not ready', async () => {
  const health = createHealth({}, () => undefined);
  health.drain();
  assert.deepEqual(await health.readiness(), { ready: false, draining: true });
});
