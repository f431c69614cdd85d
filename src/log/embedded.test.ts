import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../kernel/clock.ts';
import type { LogRecord } from '../twin/ports.ts';
import { createEmbeddedLog, type EmbeddedLog } from './embedded.ts';
import { logSuite } from './log-suite-all.rig.ts';

function newDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'twin-log-'));
}

function openLog(dataDir: string): EmbeddedLog {
  return createEmbeddedLog({
    dataDir,
    clock: systemClock,
    memberIds: 'patient-id',
    memberIdKey: new Uint8Array(32),
    etagKey: new Uint8Array(32),
    onError: (error) => assert.fail(error instanceof Error ? error : String(error)),
  });
}

describe('the embedded log', () => {
  logSuite(() => {
    const dataDir = newDirectory();
    return {
      async open() {
        const log = openLog(dataDir);
        await log.start();
        return log;
      },
      remove: () => rm(dataDir, { recursive: true }),
    };
  });
});

test('F17, B-LV-1: kill -9 in mid append: what was acknowledged is there, nothing is there by half', async () => {
  const dataDir = newDirectory();
  const acknowledged: string[] = [];
  for (const [run, killAfter] of [3, 1, 6].entries()) {
    acknowledged.push(...(await appendUntilKilled(dataDir, String(run), killAfter)));
  }
  const log = openLog(dataDir);
  await log.start();
  const byMember = Map.groupBy(await readAll(log), ({ subject }) => subject.id);
  const journal = await log.relations.read(0, 10_000);
  await log.stop();
  for (const member of acknowledged) assert.ok(byMember.has(member), `${member} was acknowledged`);
  for (const [member, records] of byMember) assert.equal(records.length, 21, `${member} is whole`);
  assert.deepEqual(
    journal.map(({ change }) => change.relationship.resource.id).sort(),
    [...byMember.keys()].sort(),
  );
  await rm(dataDir, { recursive: true });
});

/** Kills the child as soon as it has acknowledged so many, while it goes on appending. */
async function appendUntilKilled(dataDir: string, run: string, count: number): Promise<string[]> {
  const script = fileURLToPath(new URL('./test/append-until-killed.ts', import.meta.url));
  const child = spawn(process.execPath, [script, dataDir, run], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (lines.length === count) child.kill('SIGKILL');
  }
  const [code, signal] = await exited;
  assert.deepEqual([code, signal], [null, 'SIGKILL']);
  return lines;
}

async function readAll({ log }: EmbeddedLog): Promise<LogRecord[]> {
  const partitions = Array.from({ length: log.partitions }, (_, index) => index);
  const lists = await Promise.all(partitions.map((one) => log.read(one, 0, 10_000)));
  return lists.flat();
}
