/** One SpiceDB, one journal, two instances of which one at a time should write. */

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { Fault } from '../kernel/errors.ts';
import { type Service, startAll, stopAll } from '../kernel/lifecycle.ts';
import { LIMITS } from '../kernel/limits.ts';
import type { Leadership, Relations } from '../twin/ports.ts';
import {
  ManualClock,
  MemoryJournal,
  principal,
  RiggedEngine,
  remove,
  touch,
  until,
} from './decisions.rig.ts';
import { createDecisions, type Decisions } from './decisions.ts';
import { createRelations } from './relations.ts';
import { printRelation } from './relations-text.ts';
import { startEmbeddedEngine } from './spicedb/embedded.ts';
import type { Engine } from './spicedb/engine.ts';

class ManualLeadership implements Leadership {
  leads = false;
  readonly #gained = new Set<() => void>();
  readonly #lost = new Set<() => void | Promise<void>>();

  onGained(listener: () => void): () => void {
    this.#gained.add(listener);
    if (this.leads) listener();
    return () => void this.#gained.delete(listener);
  }

  onLost(listener: () => void | Promise<void>): () => void {
    this.#lost.add(listener);
    return () => void this.#lost.delete(listener);
  }

  gain(): void {
    this.leads = true;
    for (const listener of this.#gained) listener();
  }

  async lose(): Promise<void> {
    this.leads = false;
    await Promise.all([...this.#lost].map((listener) => listener()));
  }
}

interface Instance {
  readonly leadership: ManualLeadership;
  readonly engine: RiggedEngine;
  readonly decisions: Decisions;
  readonly relations: Relations & Service;
  readonly troubles: unknown[];
}

let real: Engine;
let clock: ManualClock;
let journal: MemoryJournal;
let a: Instance;
let b: Instance;

beforeEach(async () => {
  real = startEmbeddedEngine();
  clock = new ManualClock();
  journal = new MemoryJournal();
  [a, b] = [instance(), instance()];
  a.leadership.leads = true;
  await startAll([a.decisions, a.relations, b.decisions, b.relations]);
});
afterEach(async () => {
  await stopAll([a, b].flatMap(({ decisions, relations }) => [decisions, relations]));
  await real.close();
});

function instance(): Instance {
  const [engine, leadership] = [new RiggedEngine(real), new ManualLeadership()];
  const troubles: unknown[] = [];
  const onTrouble = (error: unknown): void => void troubles.push(error);
  const decisions = createDecisions({ engine, clock });
  const relations = createRelations({ engine, journal, clock, decisions, leadership, onTrouble });
  return { leadership, engine, decisions, relations, troubles };
}

/** Lets the time pass that a promise waits for. */
async function passing<T>(promise: Promise<T>): Promise<T> {
  let settled = false;
  const done = promise.finally(() => {
    settled = true;
  });
  done.catch(() => undefined);
  await until(() => {
    if (!settled) clock.advance(10);
    return settled;
  });
  return done;
}

async function may({ decisions }: Instance, user: string, member: string): Promise<boolean> {
  const items = [{ permission: 'view_care', object: { type: 'member', id: member } }];
  const [decision] = await decisions.check(principal(user), items);
  return decision?.allowed === true;
}

async function offsets(): Promise<string[]> {
  const found = await real.read({ type: 'system', relation: 'offset' });
  return found.map((one) => one.subject.id);
}

async function offsetIs(offset: string): Promise<void> {
  let shown = '';
  const look = async (): Promise<void> => {
    while (shown !== offset) shown = (await offsets()).join();
  };
  await passing(look());
}

test('who does not lead answers once SpiceDB has it, and knows it at once', async () => {
  for (let round = 0; round < 5; round++) {
    const { zedToken } = await passing(b.relations.write([touch('member:m#self@user:ana')], 'op'));
    assert.ok(zedToken.length > 0);
    assert.deepEqual([await may(b, 'ana', 'm'), await may(a, 'ana', 'm')], [true, true]);
    await passing(b.relations.write([remove('member:m#self@user:ana')], 'op'));
    assert.deepEqual([await may(b, 'ana', 'm'), await may(a, 'ana', 'm')], [false, false]);
  }
  assert.deepEqual(await offsets(), ['9']);
});

test('writes on both at once come into SpiceDB in the order of the journal', async () => {
  const writes = Array.from({ length: 20 }, (_, index) => {
    const { relations } = index % 2 === 0 ? a : b;
    return relations.write([touch(`member:m${index}#self@user:ana`)], 'op');
  });
  await passing(Promise.all(writes));
  assert.equal((await real.read({ type: 'member' })).length, 20);
  assert.deepEqual(await offsets(), ['19']);
});

test('nobody leads: "not revoked", denied where it was asked, until somebody leads', async () => {
  await a.relations.write([touch('member:m#self@user:ana'), touch('member:m#self@user:ben')], 'op');
  await a.leadership.lose();
  const revoke = passing(b.relations.write([remove('member:m#self@user:ana')], 'op'));
  await assert.rejects(
    revoke,
    (error) =>
      error instanceof Fault &&
      error.code === 'NOT_COMMITTED' &&
      /^Not revoked/.test(error.message),
  );
  assert.deepEqual([await may(b, 'ana', 'm'), await may(b, 'ben', 'm')], [false, false]);
  a.leadership.gain();
  await offsetIs('2');
  await passing(b.relations.write([touch('member:n#self@user:ana')], 'op'));
  assert.deepEqual([await may(b, 'ana', 'm'), await may(b, 'ben', 'm')], [false, true]);
});

test('what waited at a leader that leads no longer is answered by the next', async () => {
  a.engine.write_ = 'hangs';
  const write = a.relations.write([touch('member:m#self@user:ana')], 'op');
  await new Promise((resolve) => setImmediate(resolve));
  const lost = a.leadership.lose();
  b.leadership.gain();
  clock.advance(LIMITS.relationsCommitTimeoutMs);
  await lost;
  await passing(write).then(
    () => assert.fail('its own attempt ran into the bound'),
    (error: unknown) => assert.ok(error instanceof Fault),
  );
  await passing(b.relations.write([touch('member:n#self@user:ana')], 'op'));
  assert.deepEqual([await may(b, 'ana', 'm'), await may(b, 'ana', 'n')], [true, true]);
});

test('two that believe they lead: SpiceDB takes each offset from one of them', async () => {
  b.leadership.gain();
  const writes = Array.from({ length: 20 }, async (_, index) => {
    const { relations } = index % 2 === 0 ? a : b;
    await relations.write([touch(`member:m${index}#self@user:ana`)], 'op').catch(() => undefined);
  });
  await passing(Promise.all(writes));
  await a.leadership.lose();
  await passing(b.relations.write([touch('member:last#self@user:ana')], 'op'));
  assert.deepEqual(await offsets(), ['20']);
  assert.equal((await real.read({ type: 'member' })).length, 21);
  assert.equal(await may(a, 'ana', 'm1'), true);
});

test('the heart of the leader alone beats, and proves Watch to both', async () => {
  const beats = async (): Promise<string[]> =>
    (await real.read({ type: 'system', relation: 'heartbeat' })).map(printRelation);
  clock.advance(LIMITS.heartbeatIntervalMs);
  await until(() => a.decisions.sure && b.decisions.sure);
  assert.equal((await beats()).length, 1);
  await a.leadership.lose();
  clock.advance(LIMITS.heartbeatSilenceMaxMs + 1);
  assert.deepEqual([a.decisions.sure, b.decisions.sure], [false, false]);
  b.leadership.gain();
  await until(() => a.decisions.sure && b.decisions.sure);
  assert.equal((await beats()).length, 1);
});

/** As a copy from before all writes: relations and offset alike. */
async function loseEverything(offset: string, ...relations: string[]): Promise<void> {
  const lost = relations.map((text) => remove(text));
  await real.write([...lost, remove(`system:relations#offset@beat:${offset}`)]);
}

test('a SpiceDB restored from an older copy gets what it lacks with the next write', async () => {
  await a.relations.write([touch('member:m#self@user:ana')], 'op');
  await a.relations.write([touch('member:n#self@user:ana')], 'op');
  await loseEverything('1', 'member:m#self@user:ana', 'member:n#self@user:ana');
  await a.relations.write([touch('member:o#self@user:ana')], 'op').catch(() => undefined);
  await offsetIs('2');
  assert.equal((await real.read({ type: 'member' })).length, 3);
});

test('and without any write, since the leader looks', async () => {
  await a.relations.write([touch('member:m#self@user:ana')], 'op');
  await loseEverything('0', 'member:m#self@user:ana');
  await offsetIs('0');
  assert.equal((await real.read({ type: 'member' })).length, 1);
});
