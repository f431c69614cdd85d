import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackupMade } from '../../contract/backups.ts';
import type { RetentionReport } from '../../contract/keeping.ts';
import type { Snapshot } from '../../contract/snapshots.ts';
import type { Clock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import { FORGOTTEN } from '../../twin/control.ts';
import { deidentified } from '../../twin/deidentify/export.ts';
import type { Intake, Relations, View } from '../../twin/ports.ts';
import { backupsIn } from '../backup/backups.ts';
import { createBackup, removeCopy } from '../backup/create.ts';
import { casesKept } from '../break-glass/kept.ts';
import { createErasure, type Erasure } from './erasure.ts';
import { createKeeper, type Keeper } from './keeper.ts';
import { type Dated, retain } from './retain.ts';

interface KeepingOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly version: string;
  /** Whether the log is on Kafka. */
  readonly withKafka: boolean;
  readonly log: {
    readonly intake: Pick<Intake, 'submitRecord'>;
    purge(): Promise<void>;
    readonly compact?: () => Promise<void>;
  };
  readonly outbox: { purge(): Promise<void>; state(): { readonly submissions: number } };
  readonly relations: Relations;
  readonly view: Pick<View, 'shards' | 'waitFor' | 'epoch'> & {
    purge(): Promise<{ readonly snapshotsRemoved: number }>;
    removeSnapshots(names: readonly string[]): Promise<void>;
    onForgotten(listener: () => void): () => void;
    readonly snapshots: { list(): Promise<Snapshot[]> };
  };
  /** Where sealed backups are made, and by which key; both or none. */
  readonly backup: { readonly folder: string; readonly key: Buffer } | undefined;
  /** Authenticates the manifests of backups. */
  readonly deploymentKey: Uint8Array;
  readonly onError: (error: unknown) => void;
}

/** Keeping and letting go on one instance: holds, forgetting, retention, backups. */
export interface Keeping {
  readonly keeper: Keeper;
  /** Started after the view and the outbox. */
  readonly erasure: Erasure;
  retain(tenant: string, dryRun: boolean): Promise<RetentionReport>;
  /** One at a time. @throws Fault NOT_FOUND without the settings */
  backup(): Promise<BackupMade>;
  /** @throws Fault NOT_FOUND for a member that is not of the tenant */
  deidentified(tenant: string, members?: readonly string[]): Iterable<string>;
}

const DONE = 'purged.json';

/** Where backups go and what seals them, of the settings; without both none are made. */
interface BackupSettings {
  readonly kafka: object | undefined;
  readonly backupDir: string | undefined;
  /** 32 bytes in base64url. */
  readonly backupKey: string | undefined;
}

type Wired = Omit<KeepingOptions, 'withKafka' | 'backup' | 'deploymentKey' | 'outbox'>;

/** Keeping by the settings; manifests of backups are authenticated by the key of etags. */
export function keepingOf(
  { kafka, backupDir: folder, backupKey }: BackupSettings,
  { etag: deploymentKey }: { readonly etag: Uint8Array },
  { intake, ...wired }: Wired & { readonly intake: KeepingOptions['outbox'] },
): Keeping {
  const may = folder !== undefined && backupKey !== undefined;
  const backup = may ? { folder, key: Buffer.from(backupKey, 'base64url') } : undefined;
  const withKafka = kafka !== undefined;
  return createKeeping({ ...wired, outbox: intake, withKafka, backup, deploymentKey });
}

function createKeeping(options: KeepingOptions): Keeping {
  const { dataDir, clock, view, log, outbox, onError } = options;
  const done = join(dataDir, DONE);
  const erasure = createErasure({
    ...{ log, view, outbox, clock, onError },
    forgottenAt: () => newestForgotten(view),
    done: {
      read: async () => (await readFile(done, 'utf8').catch(() => undefined))?.trim(),
      write: (at) => writeFile(done, `${at}\n`, { mode: 0o600 }),
    },
  });
  const backups = options.backup && backupsIn(options.backup.folder);
  const cases = (tenant: string) => casesKept(view, log.intake, tenant);
  const copies = { snapshots: snapshotsOf(view), backups };
  const parts = { view, compact: log.compact, cases, ...copies, clock };
  return {
    keeper: createKeeper({ ...options, intake: log.intake, erasure }),
    erasure: {
      ...erasure,
      async start() {
        await removeCopy(dataDir);
        view.onForgotten(erasure.heard);
        await erasure.start();
      },
    },
    retain: (tenant, dryRun) => retain(parts, tenant, dryRun),
    deidentified(tenant, members) {
      const year = new Date(clock.now()).getUTCFullYear();
      return deidentified({ view, tenant, members, year });
    },
    backup: oneAtATime(() => makeBackup(options)),
  };
}

async function makeBackup(options: KeepingOptions): Promise<BackupMade> {
  const { backup, dataDir, deploymentKey, version, clock, view, withKafka } = options;
  if (backup === undefined) {
    const detail = 'This server makes no backups: set BACKUP_DIR and BACKUP_KEY.';
    throw new Fault('NOT_FOUND', { detail });
  }
  const epoch = withKafka ? undefined : view.epoch;
  return await createBackup({
    ...{ ...backup, dataDir, deploymentKey, version, epoch },
    at: clock.now(),
  });
}

function oneAtATime<T>(work: () => Promise<T>): () => Promise<T> {
  let making: Promise<T> | undefined;
  return () => {
    making ??= work().finally(() => {
      making = undefined;
    });
    return making;
  };
}

function newestForgotten(view: Pick<View, 'shards'>): string | undefined {
  return view
    .shards()
    .flatMap((shard) => shard.controls(FORGOTTEN.type))
    .map(({ provenance }) => provenance.recorded)
    .sort()
    .at(-1);
}

function snapshotsOf({ snapshots, removeSnapshots }: KeepingOptions['view']): Dated {
  return {
    async list() {
      return (await snapshots.list()).flatMap(({ name, of }) =>
        of === undefined ? [] : [{ name, createdAtMs: Date.parse(of.createdAt) }],
      );
    },
    remove: removeSnapshots,
  };
}
