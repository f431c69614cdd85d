/** What every journal of relations promises; run against each of them. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Service } from '../kernel/lifecycle.ts';
import { LIMITS } from '../kernel/limits.ts';
import type { RelationChange, RelationJournal } from '../twin/ports.ts';

export interface JournalUnderTest extends Pick<Service, 'stop'> {
  readonly journal: RelationJournal;
}

/** @param open the same, empty at first, again and again */
export function journalSuite(open: () => Promise<JournalUnderTest>): void {
  let opened: JournalUnderTest;
  let end = 0;
  before(async () => {
    opened = await open();
  });
  after(() => opened.stop());

  const append = async (...changes: RelationChange[]): Promise<number> => {
    end = (await opened.journal.append(changes, 'user:operator')) + 1;
    return end - 1;
  };
  /** A page may be short: only an empty one says that nothing more is there. */
  const since = async (offset: number, limit = 1_000): Promise<RelationChange[]> => {
    const found: RelationChange[] = [];
    let page = await opened.journal.read(offset, limit);
    while (page.length > 0) {
      found.push(...page.map((entry) => entry.change));
      page = await opened.journal.read((page.at(-1)?.offset ?? 0) + 1, limit);
    }
    return found;
  };

  test('an empty journal has nothing to read', async () => {
    assert.deepEqual(await opened.journal.read(0, 10), []);
  });

  test('answers the offset of the last change, and reads from any offset on', async () => {
    const [first, second] = [touch('ana'), remove('ben')];
    const from = end;
    const last = await append(first, second);
    assert.deepEqual(await since(from), [first, second]);
    assert.deepEqual(await opened.journal.read(last, 10), [{ offset: last, change: second }]);
    assert.deepEqual(await opened.journal.read(last + 1, 10), []);
    const [only, ...more] = await opened.journal.read(from, 1);
    assert.deepEqual([only?.change, more], [first, []]);
    assert.deepEqual(await since(from, 1), [first, second], 'and again from before');
  });

  test('a change comes back as it was', async () => {
    assert.deepEqual(await since(await append(WHOLE)), [WHOLE]);
  });

  test('a whole write of the greatest size comes back in order', async () => {
    const changes = Array.from({ length: LIMITS.relationChangesMax }, (_, index) =>
      touch(`user-${index}`),
    );
    const from = end;
    await append(...changes);
    assert.deepEqual(await since(from), changes);
  });

  test('appends one after the other have offsets that grow', async () => {
    const offsets: number[] = [];
    for (let index = 0; index < 20; index++) offsets.push(await append(touch(`grows-${index}`)));
    assert.deepEqual(
      offsets,
      [...offsets].sort((a, b) => a - b),
    );
    assert.equal(new Set(offsets).size, offsets.length);
  });

  test('whoever listens is told of an append', async () => {
    const told = Promise.withResolvers<void>();
    const forget = opened.journal.onAppend(told.resolve);
    await append(touch('told'));
    await told.promise;
    forget();
  });

  test('what was acknowledged is there when it is opened again', async () => {
    const from = end;
    await append(touch('kept'), remove('kept'));
    await opened.stop();
    opened = await open();
    assert.deepEqual((await since(from)).at(-1), remove('kept'));
    await append(touch('after'));
    assert.deepEqual((await since(from)).at(-1), touch('after'), 'and goes on from there');
  });
}

/** With all that a change can have. */
const WHOLE: RelationChange = {
  operation: 'touch',
  relationship: {
    resource: { type: 'member', id: 'm' },
    relation: 'sensitive_consent',
    subject: { type: 'careteam', id: 'blau ä#=', relation: 'clinician' },
    expiresAt: '2100-01-01T00:00:00.123Z',
  },
};

function touch(user: string): RelationChange {
  return change('touch', user);
}

function remove(user: string): RelationChange {
  return change('delete', user);
}

function change(operation: RelationChange['operation'], user: string): RelationChange {
  const resource = { type: 'member', id: 'm' };
  const relationship = { resource, relation: 'delegate', subject: { type: 'user', id: user } };
  return { operation, relationship };
}
