/** What the parts of the log's suite share. */

import assert from 'node:assert/strict';
import { Fault } from '../kernel/errors.ts';
import type { Service } from '../kernel/lifecycle.ts';
import type {
  BundleSubmission,
  EventLog,
  Intake,
  IntakeReceipt,
  LogRecord,
  RelationJournal,
} from '../twin/ports.ts';

export interface LogUnderTest extends Service {
  readonly log: EventLog;
  readonly intake: Intake;
  readonly relations: RelationJournal;
}

export interface Context {
  /** The log that is open now. */
  now(): LogUnderTest;
  reopen(): Promise<void>;
  submit(json: Uint8Array, more?: Partial<BundleSubmission>): Promise<IntakeReceipt>;
  all(): Promise<LogRecord[]>;
  latest(id: string): Promise<LogRecord | undefined>;
}

export async function refusal(promise: Promise<unknown>): Promise<Fault> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof Fault, 'it should have been refused');
  assert.equal(error.code, 'REFUSED_INPUT');
  return error;
}
