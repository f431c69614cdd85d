import type { Config } from '../config/config.ts';
import type { DeploymentKeys } from '../config/keys.ts';
import type { Service } from '../kernel/lifecycle.ts';
import { createRequestStates, type RequestStates } from '../mcp/request-state.ts';
import { type FloorsService, openFloors } from '../operations/floors.ts';
import { openCounts } from '../operations/redis-counts.ts';
import { openRates, type Rates } from '../operations/redis-rates.ts';
import { createCursorCodec } from '../twin/cursor.ts';
import type { OpenCounts } from '../twin/open-counts.ts';
import type { EventLog } from '../twin/ports.ts';
import { createPositionCodec, type PositionCodec } from '../twin/position.ts';
import { createReader, type Reader, type ReaderParts } from '../twin/reader/index.ts';
import { createReceipts } from '../twin/receipts.ts';
import type { Secrets } from '../twin/sealing.ts';
import { createSpend } from '../twin/spending.ts';
import type { Report } from './running.ts';

/** The one door, and the positions, floors and states that the surfaces share. */
export function createDoor(
  { readWaitMs, redis }: Config,
  keys: DeploymentKeys,
  parts: Pick<ReaderParts, 'view' | 'access' | 'audit' | 'clock' | 'panelOf' | 'onRead'>,
  { log, report }: { log: EventLog; report: Report },
): Door {
  const positions = createPositionCodec(
    keys.position,
    ...(keys.positionBefore ? [keys.positionBefore] : []),
  );
  const secrets = sealingSecrets(keys);
  const { view, clock } = parts;
  const floors = openFloors({ settings: redis, secret: keys.position, log, view, clock, report });
  const shared = { settings: redis, secret: keys.position, clock, report };
  const [rates, counts] = [openRates(shared), openCounts(shared)];
  const reader = createReader({
    ...parts,
    spend: createSpend(rates.of),
    positions,
    floors,
    cursors: createCursorCodec(secrets, clock),
    receipts: createReceipts(clock),
    etagKey: keys.etag,
    readWaitMs,
  });
  const requestStates = createRequestStates(secrets, clock);
  const together = { shared: [floors, rates, counts], floors, rates, openCounts: counts };
  return { reader, positions, requestStates, ...together };
}

export interface Door {
  readonly reader: Reader;
  readonly positions: PositionCodec;
  readonly floors: FloorsService;
  readonly rates: Rates;
  readonly openCounts: OpenCounts;
  /** What instances share over Redis, to be started and stopped. */
  readonly shared: readonly Service[];
  readonly requestStates: RequestStates;
}

/** What the log asks of the deployment's keys. */
export function secretsOf(keys: DeploymentKeys) {
  return { memberIdKey: keys.memberId, letterSecrets: sealingSecrets(keys), etagKey: keys.etag };
}

/** Of cursors, request states and dead letters: a replaced key still opens what it sealed. */
export function sealingSecrets({ cursor, cursorBefore }: DeploymentKeys): Secrets {
  return cursorBefore === undefined ? [cursor] : [cursor, cursorBefore];
}
