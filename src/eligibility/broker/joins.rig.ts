import assert from 'node:assert/strict';
import fc from 'fast-check';
import { brokerOn, MemoryJournal, Payers, plainSettings, VirtualClock } from './broker.rig.ts';

/** Who may share whose call, whatever comes when, for whom and how fresh. */
export async function checkJoins({ seed, runs }: { seed: number; runs: number }): Promise<void> {
  const arrival = fc.record({
    gapMs: fc.integer({ min: 0, max: 1_500 }),
    key: fc.constantFrom('k1', 'k2'),
    mode: fc.constantFrom('DEFAULT' as const, 'REQUIRE_FRESH' as const, 'PREFER_CACHE' as const),
    class: fc.constantFrom('live' as const, 'async' as const, 'batch' as const),
  });
  const property = fc.asyncProperty(fc.array(arrival, { maxLength: 12 }), async (arrivals) => {
    const [clock, journal] = [new VirtualClock(), new MemoryJournal()];
    const payers = new Payers(clock);
    const settings = plainSettings({ slots: 2 });
    const { accept } = await brokerOn(journal, payers, clock, { settings });
    const acceptedAt = new Map<string, number>();
    for (const [index, { gapMs, key, ...over }] of arrivals.entries()) {
      await clock.advance(gapMs);
      acceptedAt.set(`c${index}`, clock.monotonic());
      await accept(`c${index}`, { dedupeKey: key, ...over });
    }
    await clock.advance(60_000);
    for (const [index, { key, mode }] of arrivals.entries()) {
      const [end, ...more] = journal.terminals(`c${index}`);
      assert.equal(more.length, 0);
      assert.equal(end?.state, 'completed');
      const since = acceptedAt.get(`c${index}`) ?? 0;
      const calls = payers.asked.filter(({ question }) => question.reference === key);
      const answered = calls.filter(
        ({ at }) => at + 1_000 <= clock.monotonic() && at + 1_000 >= since,
      );
      const own = answered.filter(({ at }) => mode !== 'REQUIRE_FRESH' || at >= since);
      assert.ok(own.length > 0, 'no call that it might share');
    }
    // Of one question at most one call waits or is under way, and one more for those who need it new.
    for (const key of ['k1', 'k2']) {
      const at = payers.asked.filter(({ question }) => question.reference === key).map((c) => c.at);
      const fresh = arrivals.some((one) => one.key === key && one.mode === 'REQUIRE_FRESH');
      const overlapping = at.filter((one, i) => at.some((o, j) => j < i && one - o < 1_000));
      assert.ok(fresh || overlapping.length === 0, 'two calls at once for one question');
    }
  });
  await fc.assert(property, { seed, numRuns: runs });
}
