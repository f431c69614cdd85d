/** What every `Engine` must pass: call it from a test file with a way to start an empty one. */

import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { ObjectRef, RelationChange, Relationship } from '../../twin/ports.ts';
import { parseRelation, printRelation } from '../relations-text.ts';
import type { Consistency, Engine, WatchUpdate } from './engine.ts';

const FULL: Consistency = { kind: 'full' };

export function engineSuite(name: string, start: () => Promise<Engine>): void {
  suite(`Engine: ${name}`, () => {
    let engine: Engine;
    before(async () => {
      engine = await start();
    });
    after(() => engine.close());
    const current = (): Engine => engine;
    answersSuite(current);
    writesSuite(current);
    watchSuite(current);
  });
}

function answersSuite(engine: () => Engine): void {
  test('answers a bulk in order, and what it cannot answer with no', async () => {
    await engine().write([touch('member:a1#self@user:ana'), touch('member:a2#self@user:ben')]);
    const { allowed, zedToken } = await engine().check(
      [
        question('user:ana', 'view_profile', 'member:a1'),
        question('user:ana', 'view_profile', 'member:a2'),
        question('user:ana', 'no_such_permission', 'member:a1'),
        question('user:ana', 'view_profile', 'no_such_type:a1'),
        question('user:ben', 'view_profile', 'member:a2'),
        question('user:ana', 'view_profile', 'member:a1'),
      ],
      FULL,
    );
    assert.deepEqual(allowed, [true, false, false, false, true, true]);
    assert.ok(zedToken.length > 0);
  });

  test('knows ids outside its alphabet by their plain form', async () => {
    const strange: ObjectRef[] = ['ana@example.org', '*', 'a=2A', 'ä ö', 'auth0|7'].map((id) => ({
      type: 'user',
      id,
    }));
    await engine().write(strange.map((subject) => grant('member', 'strange', 'self', subject)));
    const found = await engine().read({ type: 'member', id: 'strange' });
    assert.deepEqual(
      found.map((one) => one.subject.id).sort(),
      strange.map((one) => one.id).sort(),
    );
    const asked = [...strange, { type: 'user', id: 'anybody' }];
    const object = { type: 'member', id: 'strange' };
    const { allowed } = await engine().check(
      asked.map((subject) => ({ subject, permission: 'view_care', object })),
      FULL,
    );
    assert.deepEqual(allowed, [true, true, true, true, true, false]);
  });

  test('looks resources up, page by page, each once', async () => {
    const ids = Array.from({ length: 25 }, (_, index) => `page-${index}`);
    const subject = { type: 'user', id: 'pager' };
    await engine().write(ids.map((id) => grant('member', id, 'delegate', subject)));
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const query = { subject, permission: 'view_care', type: 'member', limit: 10 };
      const page = await engine().lookupResources(cursor ? { ...query, cursor } : query, FULL);
      assert.ok(page.ids.length <= 10);
      found.push(...page.ids);
      cursor = page.cursor;
    } while (cursor !== undefined);
    assert.deepEqual(found.sort(), ids.sort());
  });
}

function writesSuite(engine: () => Engine): void {
  test('a check at least as fresh as a write sees it', async () => {
    const asked = [question('user:fresh', 'chat', 'member:f')];
    for (let round = 0; round < 10; round++) {
      const granted = await engine().write([touch('member:f#self@user:fresh')]);
      const at: Consistency = { kind: 'at-least', zedToken: granted };
      assert.deepEqual((await engine().check(asked, at)).allowed, [true]);
      const revoked = await engine().write([remove('member:f#self@user:fresh')]);
      const later: Consistency = { kind: 'at-least', zedToken: revoked };
      assert.deepEqual((await engine().check(asked, later)).allowed, [false]);
    }
  });

  test('writes all or nothing, and nothing against a precondition', async () => {
    const ok = touch('member:w#self@user:ana');
    await assert.rejects(engine().write([ok, touch('member:w#nobody@user:ana')]));
    await assert.rejects(engine().write([ok, touch('member:w#emergency@user:ana')]));
    const filter = { type: 'member', id: 'w', relation: 'delegate' };
    await assert.rejects(engine().write([ok], [{ must: 'match', filter }]));
    assert.deepEqual(await engine().read({ type: 'member', id: 'w' }), []);
    await engine().write([ok], [{ must: 'not-match', filter }]);
    assert.equal((await engine().read({ type: 'member', id: 'w' })).length, 1);
  });

  test('reads by resource, relation and subject, with expirations to the millisecond', async () => {
    const expiring = 'member:r#delegate@user:ana[expiration:2100-01-01T00:00:00.123Z]';
    await engine().write([touch(expiring), touch('member:r#self@user:ben')]);
    const read = async (filter: Parameters<Engine['read']>[0]) =>
      (await engine().read(filter)).map(printRelation).sort();
    const both = [expiring, 'member:r#self@user:ben'];
    assert.deepEqual(await read({ type: 'member', id: 'r' }), both);
    assert.deepEqual(await read({ type: 'member', id: 'r', relation: 'self' }), [both[1]]);
    const subject = { type: 'user', id: 'ana' };
    assert.deepEqual(await read({ type: 'member', id: 'r', subject }), [expiring]);
  });

  test('a touch replaces the expiration of the same relationship', async () => {
    await engine().write([touch('member:t#self@user:ana[expiration:2100-01-01T00:00:00Z]')]);
    await engine().write([touch('member:t#self@user:ana')]);
    const [only, ...more] = await engine().read({ type: 'member', id: 't' });
    assert.deepEqual([only?.expiresAt, more], [undefined, []]);
  });
}

function watchSuite(engine: () => Engine): void {
  test('tells every commit after a revision once, in order, with its ZedToken', async () => {
    const from = await engine().write([touch('member:v#self@user:before')]);
    const updates: WatchUpdate[] = [];
    const done = Promise.withResolvers<void>();
    const watch = engine().watch(
      {
        onUpdate(update) {
          updates.push(update);
          if (updates.length === 3) done.resolve();
        },
        onEnd: (error) => done.reject(error),
      },
      from,
    );
    const two = [touch('member:v#self@user:x y'), touch('member:v#guardian@user:ben')];
    const tokens = [
      await engine().write([touch('member:v#self@user:ana[expiration:2100-01-01T00:00:00Z]')]),
      await engine().write(two),
      await engine().write([remove('member:v#self@user:ana')]),
    ];
    await done.promise;
    watch.cancel();
    assert.deepEqual(
      updates.map((update) => update.zedToken),
      tokens,
    );
    const words = updates.map(({ changes }) =>
      changes.map((one) => `${one.operation} ${printRelation(one.relationship)}`).sort(),
    );
    assert.deepEqual(words.slice(0, 2), [
      ['touch member:v#self@user:ana[expiration:2100-01-01T00:00:00.000Z]'],
      ['touch member:v#guardian@user:ben', 'touch member:v#self@user:x=20y'],
    ]);
    assert.match(words[2]?.[0] ?? '', /^delete member:v#self@user:ana/);
  });

  test('is silent once cancelled', async () => {
    const told: WatchUpdate[] = [];
    const ends: Error[] = [];
    const listener = {
      onUpdate: (one: WatchUpdate) => void told.push(one),
      onEnd: (error: Error) => void ends.push(error),
    };
    const from = await engine().write([touch('member:c#self@user:ana')]);
    engine().watch(listener, from).cancel();
    await engine().write([remove('member:c#self@user:ana')]);
    await engine().read({ type: 'member', id: 'c' });
    assert.deepEqual([told, ends], [[], []]);
  });
}

function touch(text: string): RelationChange {
  return { operation: 'touch', relationship: relationship(text) };
}

function remove(text: string): RelationChange {
  return { operation: 'delete', relationship: relationship(text) };
}

/** Blanks are written plainly here. */
function relationship(text: string): Relationship {
  return parseRelation(text.replaceAll(' ', '=20'));
}

function grant(type: string, id: string, relation: string, subject: ObjectRef): RelationChange {
  return { operation: 'touch', relationship: { resource: { type, id }, relation, subject } };
}

function question(subject: string, permission: string, object: string) {
  return { subject: ref(subject), permission, object: ref(object) };
}

function ref(text: string): ObjectRef {
  const [type = '', id = ''] = text.split(':');
  return { type, id };
}
