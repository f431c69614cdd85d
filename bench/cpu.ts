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

/** Of /proc (proc(5): USER_HZ, which is 100 on every Linux of today). */
const MS_PER_TICK = 10;

/** User and system time of a process with all of its threads, ended ones too (proc(5), 14 and 15). */
export function processCpuMs(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field, the name, may hold spaces; it ends with the last parenthesis.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}
