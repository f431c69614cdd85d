import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe } from 'node:test';
import { systemClock } from '../kernel/clock.ts';
import { createEmbeddedLog } from './embedded.ts';
import { journalSuite } from './journal-suite.rig.ts';

describe('the embedded journal of relations', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'twin-journal-'));
  after(() => rmSync(dataDir, { recursive: true }));
  journalSuite(async () => {
    const log = createEmbeddedLog({
      dataDir,
      clock: systemClock,
      memberIds: 'patient-id',
      memberIdKey: new Uint8Array(32),
      etagKey: new Uint8Array(32),
      onError: (error) => assert.fail(error instanceof Error ? error : String(error)),
    });
    await log.start();
    return { journal: log.relations, stop: () => log.stop() };
  });
});
