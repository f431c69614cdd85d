import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isObject } from '../kernel/json.ts';
import { codeOf, readPrivate, replacePrivate } from './private-file.ts';

/** `DATA_DIR/server.json`: how the command line and the stdio bridge find the running server. */
export interface ServerFile {
  readonly pid: number;
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /** For the development token endpoint; whoever can read the file may use it. */
  readonly key: string;
  /** ISO 8601 in UTC. */
  readonly startedAt: string;
  readonly version: string;
}

/** Asks a server who it is: the body of `GET /healthz`, or a rejection. */
export type HealthProbe = (url: string) => Promise<unknown>;

const FILE = 'server.json';
const PROBE_TIMEOUT_MS = 2_000;

export async function writeServerFile(dataDir: string, file: ServerFile): Promise<void> {
  await replacePrivate(join(dataDir, FILE), `${JSON.stringify(file, null, 2)}\n`);
}

/** What the file says, stale or not; `undefined` when there is none or it is not whole. */
export async function readServerFile(dataDir: string): Promise<ServerFile | undefined> {
  const text = await readPrivate(join(dataDir, FILE));
  if (text === undefined) return undefined;
  try {
    const file: unknown = JSON.parse(text);
    return isServerFile(file) ? file : undefined;
  } catch {
    return undefined;
  }
}

/** Removes the file if it is of this process: a successor may have written its own. */
export async function removeServerFile(dataDir: string, pid: number): Promise<void> {
  const file = await readServerFile(dataDir);
  if (file === undefined || file.pid === pid) await dropServerFile(dataDir);
}

/** Removes whatever a dead server left behind; only for the holder of the directory's lock. */
export async function dropServerFile(dataDir: string): Promise<void> {
  await rm(join(dataDir, FILE), { force: true });
}

/**
 * The server that runs on this data directory; `undefined` when none answers. A file is stale when
 * its process is gone, or when another process answers at its address.
 */
export async function findServer(
  dataDir: string,
  probe: HealthProbe = healthOf,
): Promise<ServerFile | undefined> {
  const file = await readServerFile(dataDir);
  if (file === undefined || !isAlive(file.pid)) return undefined;
  try {
    const health = await probe(file.url);
    return isObject(health) && health.pid === file.pid ? file : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a process of this id runs; one of another user counts. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

async function healthOf(url: string): Promise<unknown> {
  const response = await fetch(`${url}/healthz`, {
    signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
    redirect: 'error',
  });
  return await response.json();
}

function isServerFile(value: unknown): value is ServerFile {
  if (!isObject(value)) return false;
  const texts = [value.host, value.url, value.key, value.startedAt, value.version];
  const { pid, port } = value;
  return (
    texts.every((text) => typeof text === 'string') &&
    Number.isSafeInteger(pid) &&
    Number(pid) > 0 &&
    Number.isSafeInteger(port)
  );
}
