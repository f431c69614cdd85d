import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { SECTIONS } from '../src/contract/uris.ts';
import { systemClock } from '../src/kernel/clock.ts';
import { startAll, stopAll } from '../src/kernel/lifecycle.ts';
import { createEmbeddedLog } from '../src/log/embedded.ts';
import { createChangeBus } from '../src/twin/change-bus.ts';
import type { IntakeReceipt, ViewChange } from '../src/twin/ports.ts';
import { createView } from '../src/view/embedded.ts';

const SYNTHEA = new URL('../../shared/data/fhir/synthea-3.3.0/', import.meta.url);
const HOSPITALS = 'hospitalInformation1788220800000.json.gz';
const PRACTITIONERS = 'practitionerInformation1788220800000.json.gz';
const ARIANA = 'Ariana988_Quigley282_3101d10a-30d6-16df-abc4-ba94eba1f52e.json.gz';
const KEY = new Uint8Array(32).fill(1);

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'twin-'));
});
afterEach(() => rm(dataDir, { recursive: true }));

function fail(error: unknown): never {
  throw error;
}

async function open(batchSize?: number) {
  const options = { dataDir, clock: systemClock, onError: fail };
  const log = createEmbeddedLog({
    ...options,
    memberIds: 'patient-id',
    memberIdKey: KEY,
    etagKey: new Uint8Array(32),
  });
  const bus = createChangeBus(fail);
  const told: ViewChange[] = [];
  bus.subscribe((changes) => told.push(...changes));
  const view = createView({
    ...options,
    log: log.log,
    bus,
    etagKey: KEY,
    ...(batchSize !== undefined && { batchSize }),
  });
  await startAll([log, view]);
  let events = 0;
  const submit = async (json: Uint8Array): Promise<IntakeReceipt> => {
    const eventId = `event-${events++}`;
    const from = { tenant: 'demo', source: 'synthea', actor: 'user:operator', eventId };
    const receipt = await log.intake.submitBundle({ ...from, json });
    for (const place of receipt.places) assert.ok(await view.waitFor(place, 30_000));
    return receipt;
  };
  return { view, told, submit, stop: () => stopAll([log, view]) };
}

async function bundle(name: string): Promise<Uint8Array> {
  return gunzipSync(await readFile(new URL(name, SYNTHEA)));
}

function patientBundle(given: string): Uint8Array {
  const resource = {
    resourceType: 'Patient',
    id: 'ana',
    name: [{ family: 'Rivera', given: [given] }],
    birthDate: '1970-05-01',
    gender: 'female',
  };
  const entry = [{ resource, request: { method: 'PUT', url: 'Patient/ana' } }];
  return Buffer.from(JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry }));
}

test('B-LV-3: a real member goes through log and view, and comes back the same after a restart', async (t) => {
  const first = await open();
  let member = '';
  for (const name of [HOSPITALS, PRACTITIONERS, ARIANA]) {
    const json = await bundle(name);
    const startedAt = performance.now();
    const receipt = await first.submit(json);
    const tookMs = Math.round(performance.now() - startedAt);
    t.diagnostic(`${name}: ${receipt.accepted} records, ${json.length} bytes, ${tookMs} ms`);
    member = receipt.members[0]?.member ?? member;
  }
  const subject = { kind: 'member', id: member } as const;
  const shard = first.view.for(first.view.partitionOf(subject));
  const documents = shard.documents([subject], '', 100);
  assert.ok(documents.length >= 6);
  const variants = new Set(documents.map(({ variant }) => variant));
  assert.deepEqual(variants, new Set(['general', 'full', 'minimal']));
  const sections = new Map(SECTIONS.map((section) => [section, 'general'] as const));
  const rows = shard.search({
    terms: ['body', 'weight'],
    areas: [{ subject, sections }],
    limit: 50,
  });
  assert.ok(rows.length > 0);
  assert.deepEqual(
    shard.people({ text: 'quigley282', limit: 5 }).map((person) => person.member),
    [member],
  );
  const again = await first.submit(await bundle(ARIANA));
  assert.deepEqual([again.accepted, again.stale, again.places], [0, 0, []]);
  await first.stop();

  const startedAt = performance.now();
  const second = await open(7);
  t.diagnostic(`restart: ${Math.round(performance.now() - startedAt)} ms`);
  assert.deepEqual(second.view.for(0).documents([subject], '', 100), documents);
  assert.deepEqual(second.told, []);
  await second.stop();

  await rm(join(dataDir, 'view.db'));
  const rebuiltAt = performance.now();
  const third = await open(97);
  t.diagnostic(`view anew in batches of 97: ${Math.round(performance.now() - rebuiltAt)} ms`);
  assert.deepEqual(third.view.for(0).documents([subject], '', 100), documents);
  await third.stop();
});

test('B-LV-8: whoever hears of a change can read it, at its place', async () => {
  const { view, told, submit, stop } = await open();
  await submit(patientBundle('Ana'));
  const before = view.for(0).document('mcp://twins/member/ana/profile', 'general');
  told.length = 0;
  const receipt = await submit(patientBundle('Anna'));
  const change = told.find(({ uri, variant }) => uri === before?.uri && variant === 'general');
  assert.deepEqual([change?.kind, change?.place], ['updated', receipt.places[0]]);
  const after = view.for(0).document('mcp://twins/member/ana/profile', 'general');
  assert.equal(after?.etag, change?.etag);
  assert.notEqual(after?.etag, before?.etag);
  const partition = view.partitionOf({ kind: 'member', id: 'ana' });
  const never = view.waitFor({ partition, offset: 1_000 }, 30_000);
  await assert.rejects(never, { code: 'INVALID_ARGUMENT', data: { pastEnd: true } });
  await stop();
});

test('a start waits for what the log had, so nothing that was acknowledged is missing', async () => {
  const options = { dataDir, clock: systemClock, onError: fail };
  const log = createEmbeddedLog({
    ...options,
    memberIds: 'patient-id',
    memberIdKey: KEY,
    etagKey: new Uint8Array(32),
  });
  await log.start();
  const from = { tenant: 'demo', source: 'ehr', actor: 'user:operator', eventId: 'one' };
  await log.intake.submitBundle({ ...from, json: patientBundle('Ana') });
  await log.stop();
  const { view, stop } = await open();
  assert.ok(view.for(0).document('mcp://twins/member/ana/profile', 'full'));
  await stop();
});
