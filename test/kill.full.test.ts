import assert from 'node:assert/strict';
import { copyFile, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { sleep } from '../src/kernel/clock.ts';
import { copyOf, directoryBundles, type MemberCopy, memberBundles } from '../tools/members.ts';
import { startServer, type TestServer } from './support/server.ts';

/**
 * kill -9 during an import, at random points: every acknowledged record is there, none is half
 * there, and in the end the etags equal those of an undisturbed run.
 */
const KILLS = Number(process.env.KILLS ?? 50);
/** Small members, so that fifty runs stay within the suite's budget. */
const MEMBER_BYTES_MAX = 45_000;
const members = memberBundles().filter(({ bytes }) => bytes < MEMBER_BYTES_MAX);

function copiesFor(kill: number): MemberCopy[] {
  return members.map((bundle) => copyOf(bundle, kill));
}

async function etags(server: TestServer, of: readonly MemberCopy[]): Promise<Map<string, string>> {
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

async function accepted(server: TestServer, bundle: string): Promise<void> {
  const response = await server.importBundle(bundle);
  assert.equal(response.status, 201, await response.text());
}

async function importDirectory(server: TestServer): Promise<void> {
  for (const { text } of directoryBundles()) await accepted(server, text);
}

/** A new data directory with the keys of another server: etags are keyed hashes. */
async function withKeysOf(other: TestServer): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'twin-kill-'));
  await copyFile(join(other.dataDir, 'keys.json'), join(dataDir, 'keys.json'));
  return dataDir;
}

/** Imports until the server dies; answers the members that were acknowledged. */
async function importUntilDeath(
  server: TestServer,
  copies: readonly MemberCopy[],
): Promise<Set<string>> {
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

test(`F17, B-LV-1, B-LV-2: kill -9 during an import, ${KILLS} times`, async () => {
  const rounds = Array.from({ length: KILLS }, (_, kill) => copiesFor(kill));
  const env = { DEMO: 'off' };
  const undisturbed = await startServer({ env });
  running = undisturbed;
  await importDirectory(undisturbed);
  const began = performance.now();
  for (const { bundle } of rounds.flat()) await accepted(undisturbed, bundle);
  // A little longer than one round takes here, so that kills fall into every part of it.
  const killWithinMs = (1.3 * (performance.now() - began)) / KILLS;
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
    await sleep(Math.random() * killWithinMs);
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
