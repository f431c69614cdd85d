import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe } from 'node:test';
import { systemClock } from '../../kernel/clock.ts';
import { createEmbeddedJournal } from './embedded.ts';
import { checkJournalSuite } from './journal-suite.rig.ts';

describe('the embedded journal of checks', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'twin-checks-'));
  after(() => rmSync(dataDir, { recursive: true }));
  checkJournalSuite(async () => {
    const fail = (error: unknown): void => assert.fail(error instanceof Error ? error : undefined);
    const clock = { ...systemClock, now: () => 1_790_000_000_000 };
    const journal = createEmbeddedJournal({ dataDir, clock, onDeath: fail, onTrouble: fail });
    return { journal, start: () => journal.start(), stop: () => journal.stop() };
  });
});
