import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Milliseconds on a processor, by the name of the thread; threads of one name are one. */
export type CpuTimes = ReadonlyMap<string, number>;

/** Of a process by its threads, since each of them began; of none but on Linux (`schedstat`). */
export function cpuTimes(pid: number): CpuTimes {
  const times = new Map<string, number>();
  const tasks = `/proc/${pid}/task`;
  for (const task of existsSync(tasks) ? readdirSync(tasks) : []) {
    try {
      const name = readFileSync(`${tasks}/${task}/comm`, 'utf8').trim();
      const [ran = '0'] = readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ');
      times.set(name, (times.get(name) ?? 0) + Number(ran) / 1e6);
    } catch {
      // It has ended meanwhile.
    }
  }
  return times;
}

/** What ran between two looks, the most first. */
export function cpuBetween(before: CpuTimes, after: CpuTimes): [name: string, ms: number][] {
  return [...after]
    .map(([name, ms]): [string, number] => [name, ms - (before.get(name) ?? 0)])
    .filter(([, ms]) => ms > 0)
    .sort(([, a], [, b]) => b - a);
}

export function cpuSum(times: readonly [name: string, ms: number][]): number {
  return times.reduce((sum, [, ms]) => sum + ms, 0);
}
