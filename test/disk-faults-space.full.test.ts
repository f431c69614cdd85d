import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sleep, systemClock } from '../src/kernel/clock.ts';
import { Fault } from '../src/kernel/errors.ts';
import { withOutbox } from '../src/log/outbox/outbox.ts';
import { submission } from '../src/log/test/bundles.ts';
import type { Intake } from '../src/twin/ports.ts';
import { ANA_COVERAGE, bundleOf, nextCoverage, patient } from './support/changes.ts';
import { startServer, type TestServer } from './support/server.ts';

/**
 * F16: a real file system with no room left. A small tmpfs, since a limit on the size of files
 * (`ulimit -f`) would end the process by SIGXFSZ, which no disk does; it takes the right to mount.
 */
const disk = mkdtempSync(join(tmpdir(), 'twin-small-disk-'));
const BALLAST = join(disk, 'ballast');
const RECOVERS_WITHIN_MS = 10_000;
const PATH = `/v1/twins/${ANA_COVERAGE.slice('mcp://twins/'.length)}`;
const mayMount = process.platform === 'linux' && process.getuid?.() === 0;
const skip = mayMount ? false : 'mounting a small file system takes root on Linux';

let server: TestServer | undefined;
before(() => {
  if (mayMount) execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', disk]);
});
after(async () => {
  await server?.kill();
  if (mayMount) execFileSync('umount', ['-l', disk]);
  rmSync(disk, { recursive: true });
});

/** Takes all the room there is, to the last page. */
function fill(): void {
  const file = openSync(BALLAST, 'a');
  for (const size of [1024 * 1024, 4096, 1]) {
    try {
      for (;;) writeSync(file, Buffer.alloc(size));
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'ENOSPC');
    }
  }
  closeSync(file);
}

const empty = (): void => rmSync(BALLAST);

async function readyz({ url }: TestServer): Promise<Record<string, unknown>> {
  return (await (await fetch(`${url}/readyz`)).json()) as Record<string, unknown>;
}

test('F16: no room: nothing is taken nor shown, since no record of it could be kept, until there is room again', {
  skip,
}, async () => {
  const started = await startServer({ dataDir: join(disk, 'server') });
  server = started;
  const [ana, writer] = [
    await started.token('ana'),
    await started.token('operator', { scope: 'sources:write' }),
  ];
  const read = async () => {
    const response = await started.fetch(ana, PATH);
    const text = await response.text();
    return { status: response.status, etag: response.headers.get('etag') ?? '', text };
  };
  const send = async (bundle: string) => {
    const headers = { 'content-type': 'application/fhir+json' };
    const init = { method: 'POST', headers, body: bundle };
    const response = await started.fetch(writer, '/v1/sources?source=test', init);
    return { status: response.status, text: await response.text() };
  };
  const before = await read();
  assert.equal(before.status, 200);
  const { bundle, product } = nextCoverage();
  const other = bundleOf(patient('no-room'));

  fill();
  for (const one of [bundle, other, bundle]) {
    const refused = await send(one);
    assert.equal(refused.status, 503, refused.text);
    assert.match(refused.text, /LOG_UNAVAILABLE/);
  }
  await assert.rejects(started.relations('touch', 'member:no-room#self@user:ana'));
  for (let tries = 0; tries < 3; tries += 1) {
    const refused = await read();
    assert.equal(refused.status, 503);
    assert.match(refused.text, /AUDIT_UNAVAILABLE/);
    assert.doesNotMatch(refused.text, /Demo PPO/);
  }
  assert.equal((await readyz(started)).ready, false);
  assert.equal((await fetch(`${started.url}/healthz`)).status, 200);

  empty();
  const deadline = Date.now() + RECOVERS_WITHIN_MS;
  while ((await readyz(started)).ready !== true && Date.now() < deadline) await sleep(100);
  const { outbox } = await readyz(started);
  assert.deepEqual(outbox, { ok: true }, 'nothing of it is held');
  assert.equal((await read()).etag, before.etag, 'nothing of it was stored');
  assert.equal((await send(bundle)).status, 201);
  assert.equal((await send(other)).status, 201);
  while (!(await read()).text.includes(product) && Date.now() < deadline) await sleep(50);
  assert.ok((await read()).text.includes(product));
  const auditor = await started.token('operator', { scope: 'audit:read' });
  const verdict = await (await started.fetch(auditor, '/v1/audit/verify')).json();
  assert.equal((verdict as { ok?: boolean }).ok, true, 'the chain is whole');
  assert.doesNotMatch(started.output(), /"level":"fatal"/);
  assert.equal(await started.stop(), 0);
});

/** A log that is away until it is told to come back. */
function distantIntake(taken: string[]): Intake & { away: boolean } {
  const nothing = { count: 0, records: [] };
  return {
    away: true,
    async submitBundle({ eventId }) {
      if (this.away) throw new Fault('LOG_UNAVAILABLE');
      taken.push(eventId);
      return {
        ...{ accepted: 1, unchanged: 0, stale: 0, waiting: 0, resumed: 0, refused: 0 },
        ...{ entries: [], members: [], ignored: {}, places: [] },
      };
    },
    submitRecord: () => Promise.reject(new Fault('LOG_UNAVAILABLE')),
    held: async () => ({ waiting: { ...nothing, bytes: 0 }, refused: nothing }),
  };
}

test('F16, P4: the outbox says `held` of what it has, and of nothing else', { skip }, async (t) => {
  const taken: string[] = [];
  const intake = distantIntake(taken);
  const dataDir = join(disk, 'outbox');
  const delivery = async () => 'auto' as const;
  const open = async () => {
    const outbox = withOutbox(intake, { dataDir, clock: systemClock, delivery, onError() {} });
    await outbox.start();
    return outbox;
  };
  let outbox = await open();
  t.after(() => outbox.stop());
  const held: string[] = [];
  const hold = async (eventId: string): Promise<unknown> => {
    const json = Buffer.from(bundleOf(patient('p', { text: { div: 'x'.repeat(20_000) } })));
    const said = await outbox.submitBundle({ ...submission(json), eventId });
    assert.ok('held' in said && said.held);
    return held.push(eventId);
  };
  await hold('before');
  fill();
  for (let n = 0; n < 5; n += 1) {
    await assert.rejects(hold(`full-${n}`), (error) => {
      return error instanceof Fault && error.code === 'LOG_UNAVAILABLE';
    });
  }
  empty();
  await hold('after');
  await outbox.stop();
  intake.away = false;
  outbox = await open();
  while (outbox.state().submissions > 0) await sleep(20);
  await outbox.stop();
  assert.deepEqual(taken, held);
  assert.deepEqual(held, ['before', 'after']);
});
