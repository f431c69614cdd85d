/** Finds and ends processes that tests left behind, each by its id. */

import { readdirSync, readFileSync } from 'node:fs';

export interface Leftover {
  readonly pid: number;
  readonly command: string;
}

/** Every process that a test starts inherits this variable, also when its parent is gone. */
export const MARK = 'DIGITAL_TWIN_TEST_RUN';

/** Linux only; elsewhere nothing is found. Its own process is none of them. */
export function findLeftovers(mark: string): Leftover[] {
  return processes().flatMap((pid) => {
    if (pid === process.pid) return [];
    const environment = read(`/proc/${pid}/environ`).split('\0');
    if (!environment.includes(`${MARK}=${mark}`)) return [];
    const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
    return command === '' ? [] : [{ pid, command: command.slice(0, 160) }];
  });
}

export function end(leftover: Leftover): void {
  try {
    process.kill(leftover.pid, 'SIGKILL');
  } catch {
    // It ended by itself meanwhile.
  }
}

function processes(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
