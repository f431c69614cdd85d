/** How a server ends, what a part's end means, and how others find it meanwhile. */

import type { Config } from '../config/config.ts';
import type { DataLock } from '../config/data-lock.ts';
import { removeServerFile, writeServerFile } from '../config/server-file.ts';
import type { Clock } from '../kernel/clock.ts';
import { type Service, StartFailed, stopAll } from '../kernel/lifecycle.ts';
import { WorkerDied } from '../kernel/worker.ts';
import { LogDamaged } from '../log/embedded.ts';
import type { Logger } from '../operations/logger.ts';

interface Running {
  readonly drain: () => void;
  readonly dataDir: string;
  readonly services: readonly Service[];
  readonly logger: Logger;
  readonly lock: DataLock;
}

export function stopping({ drain, dataDir, services, logger, lock }: Running): () => Promise<void> {
  return async () => {
    drain();
    await removeServerFile(dataDir, process.pid);
    const late = await stopAll(services);
    if (late.length > 0) logger.warn({ late }, 'stopped without waiting any longer');
    lock.release();
  };
}

export function startFailure(error: unknown, dataDir: string): unknown {
  if (!(error instanceof StartFailed)) return error;
  return new Error(`${error.message}. Its files are in ${dataDir}.`, { cause: error });
}

/** So that the command line and the bridges find this server; never in production. */
export async function announce(
  { dataDir, host, production }: Config,
  { clock, version }: { readonly clock: Clock; readonly version: string },
  where: { port: number; url: string; key: string },
): Promise<void> {
  if (production) return;
  const startedAt = new Date(clock.now()).toISOString();
  await writeServerFile(dataDir, { pid: process.pid, host, startedAt, version, ...where });
}

export function telling(logger: Logger, onFatal: () => void): (error: Error) => void {
  return (error) => {
    logger.fatal({ err: error }, 'a thread has ended');
    onFatal();
  };
}

export type Report = (error: unknown, correlationId?: string) => void;

/** A thread's end goes to the process, everything else to the log. */
export function deathsTo(
  onDeath: (error: Error) => void,
  report: Report,
  logger: Logger,
): (error: unknown) => void {
  return (error) => {
    if (error instanceof WorkerDied) onDeath(error);
    else if (error instanceof LogDamaged) logger.fatal({ err: error }, 'the log is damaged');
    else report(error);
  };
}

export function releasing(lock: DataLock): (error: unknown) => never {
  return (error) => {
    lock.release();
    throw error;
  };
}
