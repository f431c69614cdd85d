import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { randomId } from '../../../kernel/ids.ts';
import type { ResumeKeys, ResumeStore } from './resume.ts';

export interface ResumeRig {
  readonly store: ResumeStore;
  /** Lets this much pass, as the store sees it. */
  readonly later: (ms: number) => void;
}

const at = (offset: number) => ({ s: { epoch: 'e', offset } });
const MINUTE = 60_000;

/** What every store of devices' places does. */
export function resumeSuite(name: string, open: () => Promise<ResumeRig>): void {
  describe(`places of devices: ${name}`, () => {
    const keys = (near = randomId()): ResumeKeys => ({ exact: randomId(), near });

    it('B-GW-69: a device is found again by its session, for a day', async () => {
      const { store, later } = await open();
      const own = keys();
      assert.equal(await store.load(own), undefined);
      await store.save(own, at(1), true);
      await store.save(own, at(2), false);
      assert.deepEqual(await store.load(own), at(2));
      assert.deepEqual(await store.load({ ...own, near: randomId() }), at(2), 'elsewhere');
      later(23 * 60 * MINUTE);
      assert.deepEqual(await store.load(own), at(2));
    });

    it('B-GW-69: another session is found by its neighbours for two minutes', async () => {
      const { store, later } = await open();
      const near = randomId();
      await store.save(keys(near), at(5), false);
      assert.deepEqual(await store.load(keys(near)), at(5));
      assert.equal(await store.load(keys()), undefined, 'another address');
      later(2 * MINUTE + 1);
      assert.equal(await store.load(keys(near)), undefined);
    });

    it('B-GW-69: a neighbour whose server may be gone counts for ten minutes', async () => {
      const { store, later } = await open();
      const near = randomId();
      await store.save(keys(near), at(5), true);
      later(9 * MINUTE);
      assert.deepEqual(await store.load(keys(near)), at(5));
      later(2 * MINUTE);
      assert.equal(await store.load(keys(near)), undefined);
    });

    it('B-GW-69: of several neighbours the one that stands furthest back counts', async () => {
      const { store } = await open();
      const near = randomId();
      for (const offset of [7, 3, 9]) await store.save(keys(near), at(offset), false);
      await store.save(keys(near), {}, false);
      assert.deepEqual(await store.load(keys(near)), at(3));
    });

    it('a device that wants nothing of before has no place, also by neighbours', async () => {
      const { store } = await open();
      const own = keys();
      await store.save(own, at(5), true);
      await store.save(own, {}, false);
      assert.deepEqual((await store.load(own)) ?? {}, {});
      assert.equal(await store.load(keys(own.near)), undefined);
    });

    it('neighbours are bounded', async () => {
      const { store } = await open();
      const near = randomId();
      for (let offset = 100; offset > 0; offset -= 1) {
        await store.save(keys(near), at(offset), false);
      }
      assert.deepEqual(await store.load(keys(near)), at(1));
    });
  });
}
