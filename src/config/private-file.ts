import { constants } from 'node:fs';
import { chmod, link, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pid } from 'node:process';

/** Files of the data directory that hold secrets: for their owner alone, and whole or not there. */
const OWNER_ONLY = 0o600;

export async function makeDataDir(dataDir: string): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
}

/** The file's text, its mode made private again; `undefined` when there is none. */
export async function readPrivate(path: string): Promise<string | undefined> {
  try {
    const text = await readFile(path, 'utf8');
    // A volume may have been mounted with wider rights (Kubernetes' fsGroup does so).
    await chmod(path, OWNER_ONLY);
    return text;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Replaces the file in one step; durable when it resolves. */
export async function replacePrivate(path: string, text: string): Promise<void> {
  await whole(path, text, (temporary) => rename(temporary, path));
}

/** Creates the file in one step; `false` when another has created it before. */
export async function createPrivate(path: string, text: string): Promise<boolean> {
  let created = true;
  await whole(path, text, async (temporary) => {
    await link(temporary, path).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
      created = false;
    });
    await rm(temporary, { force: true });
  });
  return created;
}

async function whole(
  path: string,
  text: string,
  place: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = `${path}.${pid}.${performance.now()}.tmp`;
  const { O_CREAT, O_EXCL, O_WRONLY } = constants;
  const file = await open(temporary, O_CREAT | O_EXCL | O_WRONLY, OWNER_ONLY);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await place(temporary);
  await syncDirectory(dirname(path));
}

/** The new name is durable only once its directory is; Windows cannot open one, nor needs to. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

export function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}
