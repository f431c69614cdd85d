import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isTerminal } from '../journal/table.ts';
import {
  ANSWERED,
  boardOf,
  brokerOn,
  MemoryJournal,
  Payers,
  plainSettings,
  type Rig,
  rejected,
  SILENT,
  THROTTLED,
  VirtualClock,
} from './broker.rig.ts';

/** Brokers that end at any commit, and whose calls go on at the clearinghouse. */
export async function checkKills({ seed, runs }: { seed: number; runs: number }): Promise<void> {
  const property = fc.asyncProperty(
    fc.array(fc.integer({ min: 1, max: 25 }), { minLength: 1, maxLength: 3 }),
    fc.array(fc.constantFrom(...[ANSWERED, ANSWERED, rejected('42', 'R'), SILENT, THROTTLED]), {
      minLength: 1,
      maxLength: 5,
    }),
    async (kills, outcomes) => {
      const [clock, journal] = [new VirtualClock(), new MemoryJournal()];
      const payers = new Payers(clock);
      // A call that is not answered goes on at the clearinghouse until it gives up.
      payers.answer = (_, call) => {
        const outcome = outcomes[call % outcomes.length] ?? ANSWERED;
        return { ms: outcome === SILENT ? 90_000 : 700, outcome };
      };
      const settings = plainSettings({ slots: 2 });
      const board = boardOf();
      let one: Rig = await brokerOn(journal, payers, clock, { settings, board });
      const hour = 3_600_000;
      for (let i = 0; i < 6; i++) {
        await one.accept(`c${i}`, { dedupeKey: `k${i % 4}`, until: clock.now() + hour });
      }
      for (const kill of kills) {
        let left = kill;
        const { promise, resolve } = Promise.withResolvers<void>();
        journal.beforeCommit = () => {
          left -= 1;
          if (left === 0) resolve();
        };
        await Promise.race([promise, clock.advance(120_000)]);
        // Whoever comes next fences it: what it has not said is lost, as with kill -9.
        one = await brokerOn(journal, payers, clock, { settings, board });
      }
      journal.beforeCommit = () => undefined;
      await clock.advance(2 * hour);
      for (let i = 0; i < 6; i++) {
        assert.equal(journal.terminals(`c${i}`).length, 1, `c${i}`);
        assert.ok(isTerminal(one.table.get(`c${i}`)?.state ?? 'accepted'));
      }
      assert.ok(payers.openMax <= 2, `${payers.openMax} calls at once`);
    },
  );
  await fc.assert(property, { seed, numRuns: runs });
}
