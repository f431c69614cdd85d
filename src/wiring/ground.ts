import type { Config } from '../config/config.ts';
import { type DataLock, lockDataDir } from '../config/data-lock.ts';
import { type DeploymentKeys, loadKeys } from '../config/keys.ts';
import { replacePrivate } from '../config/private-file.ts';
import type { Clock } from '../kernel/clock.ts';
import { type Outbox, type OutboxOptions, withOutbox } from '../log/outbox/outbox.ts';
import { openLogRoom } from '../log/room.ts';
import type { LogRoom, LogRoomOptions } from '../log/room-parts.ts';
import { createFlags, type Flags } from '../operations/flags.ts';
import { createLogger, type Logger } from '../operations/logger.ts';
import { createMetrics, type Metrics } from '../operations/metrics.ts';
import type { Intake } from '../twin/ports.ts';
import { secretsOf } from './door.ts';
import { deathsTo, type Report, releasing, telling } from './running.ts';

/** What every part stands on: the directory, its keys, what is said and counted, and the log. */
export interface Ground {
  readonly lock: DataLock;
  readonly keys: DeploymentKeys;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly report: Report;
  readonly onDeath: (error: Error) => void;
  readonly stored: Pick<OutboxOptions, 'dataDir' | 'clock' | 'onError'>;
  readonly log: LogRoom;
  readonly flags: Flags;
  readonly intake: Outbox;
}

/** @throws DataDirTaken naming process and port when another server has the directory. */
export async function openGround(
  config: Config,
  { clock, version, onFatal }: GroundParts,
): Promise<Ground> {
  const { dataDir, memberIds, kafka, production } = config;
  const lock = await lockDataDir(dataDir);
  const keys = await loadKeys(config.keysFile).catch(releasing(lock));
  const logger = createLogger({ level: config.logLevel, version });
  const report: Report = (err, correlationId) => logger.error({ err, correlationId }, 'fault');
  const onDeath = telling(logger, onFatal);
  const stored = { dataDir, clock, onError: deathsTo(onDeath, report, logger) };
  const addressed = { memberIds, kafka, makeTopics: !production, ...secretsOf(keys) };
  const log = await openLog({ ...stored, ...addressed }, logger).catch(releasing(lock));
  const said = { lock, keys, logger, metrics: createMetrics(), report, onDeath, stored, log };
  return { ...said, ...createIntake(config, log.intake, stored, logger) };
}

interface GroundParts {
  readonly clock: Clock;
  readonly version: string;
  readonly onFatal: () => void;
}

/** What a room of the log tries again is a warning. */
function openLog(options: Omit<LogRoomOptions, 'onPassing'>, logger: Logger): Promise<LogRoom> {
  const onPassing = (err: unknown): void => logger.warn({ err }, 'tried again');
  return openLogRoom({ ...options, onPassing });
}

/** The intake goes on while the log is away, as the flag says. */
function createIntake(
  { flagsFile }: Config,
  intake: Intake,
  stored: Pick<OutboxOptions, 'dataDir' | 'clock' | 'onError'>,
  logger: Logger,
): { flags: Flags; intake: Outbox } {
  const { clock, onError: report } = stored;
  const flags = createFlags({ file: flagsFile, clock, write: replacePrivate, report });
  const outbox = withOutbox(intake, {
    ...stored,
    delivery: flags.eventDelivery,
    onLeft: (held) => logger.warn({ held }, 'stopped while facts wait here for the log'),
  });
  return { flags, intake: outbox };
}
