import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../kernel/errors.ts';
import { type Context, refusal } from './log-suite.rig.ts';
import { bundleOf, bytes, condition, patient } from './test/bundles.ts';

/** Commands, which every log decides in the transaction that writes. */
export function testPreconditions({ now, submit, latest }: Context): void {
  const conditional = (resource: ReturnType<typeof patient>, more: object) =>
    bytes({
      ...{ resourceType: 'Bundle', type: 'transaction' },
      entry: [
        {
          resource,
          request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}`, ...more },
        },
      ],
    });
  const failed = async (promise: Promise<unknown>): Promise<Fault> => {
    const error = await promise.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof Fault, 'it should have been refused');
    assert.equal(error.code, 'PRECONDITION_FAILED');
    return error;
  };

  test('B-IN-11: of two who name the same etag one is refused, with the present one', async () => {
    await submit(bundleOf(patient('ana')));
    const { data } = await failed(
      submit(conditional(patient('ana', { birthDate: '1971-01-01' }), { ifMatch: 'W/"old"' })),
    );
    const ifMatch = `W/${data.etag}`;
    const writes = ['1972-02-02', '1973-03-03'].map((birthDate) =>
      submit(conditional(patient('ana', { birthDate }), { ifMatch })),
    );
    const outcomes = await Promise.allSettled(writes);
    const won = outcomes.findIndex(({ status }) => status === 'fulfilled');
    assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    const { resource } = (await latest('ana')) ?? {};
    assert.equal(resource?.birthDate, won === 0 ? '1972-02-02' : '1973-03-03');
  });

  test('B-IN-11: ifNoneMatch creates once; a command never waits, and a failed one leaves nothing', async () => {
    const created = conditional(patient('ben'), { ifNoneMatch: '*' });
    assert.equal((await submit(created)).accepted, 1);
    await failed(submit(created));
    const orphan = conditional(condition('c1', 'nobody', 'Asthma'), { ifNoneMatch: '*' });
    await refusal(submit(orphan));
    assert.equal((await now().intake.held('demo')).waiting.count, 0);
    assert.equal(await latest('c1'), undefined);
  });
}
