import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { sleep } from '../src/kernel/clock.ts';
import { startServer, type TestServer } from './support/server.ts';

/**
 * kill -9 during an import, at random points: every acknowledged record is there, none is half
 * there, and in the end the etags equal those of an undisturbed run.
 */
const KILLS = Number(process.env.KILLS ?? 50);
const DATA = new URL('../../shared/data/fhir/synthea-3.3.0/', import.meta.url);
/** Small members, so that fifty runs stay within the suite's budget. */
const MEMBERS_MAX_BYTES = 45_000;
/** About as long as importing one round takes, so that kills fall into every part of it. */
const KILL_WITHIN_MS = 600;

const names = readdirSync(DATA).sort();
const directory = names.filter((name) => /^(hospital|practitioner)Information/.test(name));
const members = names.filter(
  (name) =>
    !directory.includes(name) && readFileSync(new URL(name, DATA)).length < MEMBERS_MAX_BYTES,
);
const bundles = new Map(
  [...directory, ...members].map((name) => [name, gunzipSync(readFileSync(new URL(name, DATA)))]),
);

/** A bundle of a member, re-keyed: a member of its own for each kill. */
interface Copy {
  readonly member: string;
  readonly bundle: string;
}

/** Every id of the bundle ends in the kill's number; what it shares with others keeps its name. */
function copiesFor(kill: number): Copy[] {
  const suffix = kill.toString(16).padStart(4, '0');
  return members.map((name) => {
    const text = String(bundles.get(name));
    const { entry } = JSON.parse(text) as { entry: { resource: { id: string } }[] };
    const ids = new Set(entry.map(({ resource }) => resource.id));
    const rekeyed = (id: string): string => (ids.has(id) ? id.slice(0, -4) + suffix : id);
    const bundle = text.replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, rekeyed);
    return { member: rekeyed(name.slice(-44, -8)), bundle };
  });
}

async function etags(server: TestServer, of: readonly Copy[]): Promise<Map<string, string>> {
  const relations = of.map(({ member }) => `member:${member}#self@user:tester`);
  await server.relations('touch', ...relations);
  const token = await server.token('tester');
  const found = new Map<string, string>();
  for (const { member } of of) {
    for (const section of ['profile', 'coverage', 'clinical']) {
      const response = await server.fetch(token, `/v1/twins/member/${member}/${section}`);
      const etag = response.ok ? (response.headers.get('etag') ?? '') : 'absent';
      found.set(`${member}/${section}`, etag);
    }
  }
  return found;
}

async function accepted(server: TestServer, bundle: string | Uint8Array): Promise<void> {
  const response = await server.importBundle(bundle as string);
  assert.equal(response.status, 201, await response.text());
}

async function importDirectory(server: TestServer): Promise<void> {
  for (const name of directory) await accepted(server, new Uint8Array(bundles.get(name) ?? []));
}

/** A new data directory with the keys of another server: etags are keyed hashes. */
async function withKeysOf(other: TestServer): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'twin-kill-'));
  await copyFile(join(other.dataDir, 'keys.json'), join(dataDir, 'keys.json'));
  return dataDir;
}

/** Imports until the server dies; answers the members that were acknowledged. */
async function importUntilDeath(server: TestServer, copies: readonly Copy[]): Promise<Set<string>> {
  const acknowledged = new Set<string>();
  try {
    for (const { member, bundle } of copies) {
      await accepted(server, bundle);
      acknowledged.add(member);
    }
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
  }
  return acknowledged;
}

let running: TestServer | undefined;
after(() => running?.kill());

test(`B-LV-1, B-LV-2: kill -9 during an import, ${KILLS} times`, async () => {
  const rounds = Array.from({ length: KILLS }, (_, kill) => copiesFor(kill));
  const env = { DEMO: 'off' };
  const undisturbed = await startServer({ env });
  running = undisturbed;
  await importDirectory(undisturbed);
  for (const { bundle } of rounds.flat()) await accepted(undisturbed, bundle);
  const expected = await etags(undisturbed, rounds.flat());
  await undisturbed.stop();
  assert.ok([...expected.values()].every((etag) => etag !== 'absent'));

  const dataDir = await withKeysOf(undisturbed);
  let server = await startServer({ env, dataDir });
  running = server;
  await importDirectory(server);
  let kept = 0;
  let lost = 0;
  for (const [kill, copies] of rounds.entries()) {
    const importing = importUntilDeath(server, copies);
    await sleep(Math.random() * KILL_WITHIN_MS);
    await server.kill();
    const acknowledged = await importing;
    server = await startServer({ env, dataDir });
    running = server;
    for (const [key, etag] of await etags(server, copies)) {
      const acked = acknowledged.has(key.slice(0, key.indexOf('/')));
      if (etag === 'absent') lost += 1;
      else kept += 1;
      assert.ok(
        etag === expected.get(key) || (!acked && etag === 'absent'),
        `kill ${kill}: ${key}`,
      );
    }
  }
  for (const { bundle } of rounds.flat()) await accepted(server, bundle);
  assert.deepEqual(await etags(server, rounds.flat()), expected);
  await server.stop();
  console.log(
    `# ${KILLS} kills: ${kept} documents there, ${lost} never acknowledged, none half there`,
  );
});
