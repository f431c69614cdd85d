/** What every journal of checks promises; run against each of them. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { CheckEvent, CheckJournal, CheckStep } from '../../twin/ports.ts';
import { acceptedStep, stepOf } from './steps.rig.ts';

export interface JournalUnderTest {
  readonly journal: CheckJournal;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** @param open the same, empty at first, again and again; not started */
export function checkJournalSuite(open: () => Promise<JournalUnderTest>): void {
  let opened: JournalUnderTest;
  let heard: CheckStep[] = [];
  let told: CheckEvent[] = [];

  const start = async (): Promise<void> => {
    opened = await open();
    heard = [];
    told = [];
    opened.journal.onSteps((steps) => heard.push(...steps));
    opened.journal.onEvents((events) => told.push(...events));
    await opened.start();
  };
  before(start);
  after(() => opened.stop());

  const heardOf = (checkId: string): CheckStep[] => heard.filter((one) => one.checkId === checkId);
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  test('what was accepted is heard as it was, in order', async () => {
    const steps = [acceptedStep('a'), acceptedStep('b')];
    await opened.journal.accept(steps);
    await until(() => heardOf('b').length > 0);
    assert.deepEqual([...heardOf('a'), ...heardOf('b')], steps);
  });

  test('whoever reigns has heard everything before, and says steps with all that they can have', async () => {
    await opened.journal.accept([acceptedStep('c')]);
    const reign = await opened.journal.reign();
    assert.equal(heardOf('c').length, 1);
    const running = stepOf('c', 'running', { attempt: 1, runningUntil: 1_800_000_000_000 });
    const completed = stepOf('c', 'completed', {
      ...{ attempt: 1, mayHaveReachedPayer: true, flight: 'a', reason: '42', followUp: 'R' },
      status: 'active' as const,
      place: { epoch: 'abcdefgh', partition: 3, offset: 12_345_678_901 },
    });
    await reign.commit([running, completed], [eventOf('c')]);
    await until(() => heardOf('c').length === 3);
    assert.deepEqual(heardOf('c').slice(1), [running, completed]);
    assert.deepEqual(told, [eventOf('c')]);
    await reign.end();
  });

  test('P8: whoever reigned before can say nothing once another has begun', async () => {
    const former = await opened.journal.reign();
    await opened.journal.accept([acceptedStep('d')]);
    await former.commit([stepOf('d', 'queued')], []);
    const next = await opened.journal.reign();
    await assert.rejects(former.commit([stepOf('d', 'failed')], [eventOf('d')]));
    await next.commit([stepOf('d', 'completed', { status: 'active' })], []);
    await until(() => heardOf('d').some(({ state }) => state === 'completed'));
    assert.deepEqual(
      heardOf('d').map(({ state }) => state),
      ['accepted', 'queued', 'completed'],
    );
    assert.ok(told.every(({ checkId }) => checkId !== 'd'));
    await former.end().catch(() => undefined);
    await next.end();
  });

  test('what was acknowledged is heard again, in order, when it is opened again', async () => {
    const known = heard.filter(({ checkId }) => 'abcd'.includes(checkId));
    await opened.stop();
    await start();
    const reign = await opened.journal.reign();
    assert.deepEqual(
      heard.filter(({ checkId }) => 'abcd'.includes(checkId)),
      known,
    );
    await reign.commit([stepOf('a', 'failed', { reason: '75' })], []);
    await until(() => heardOf('a').some(({ state }) => state === 'failed'));
    await reign.end();
  });
}

function eventOf(checkId: string): CheckEvent {
  return {
    ...{ eventId: `event-${checkId}`, at: 1_790_000_000_000, checkId, tenant: 'demo' },
    ...{ member: 'demo-ana', payer: '60054', actor: 'user:ana' },
    ...{ kind: 'failed', reason: 'MEMBER_NOT_FOUND', aaaCode: '75', followUp: 'C' },
  };
}
