import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

const NAME = /^backup-(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)-(\d{3})Z$/;

/** The backups of a folder, by the time in their names; those of others are not seen. */
export function backupsIn(folder: string) {
  return {
    async list(): Promise<{ name: string; createdAtMs: number }[]> {
      const names = await readdir(folder).catch(() => []);
      return names.flatMap((name) => {
        const [, day, h, m, s, ms] = NAME.exec(name) ?? [];
        return day === undefined
          ? []
          : [{ name, createdAtMs: Date.parse(`${day}T${h}:${m}:${s}.${ms}Z`) }];
      });
    },
    async remove(names: readonly string[]): Promise<void> {
      for (const name of names.filter((one) => NAME.test(one))) {
        await rm(join(folder, name), { recursive: true, force: true });
      }
    },
  };
}
