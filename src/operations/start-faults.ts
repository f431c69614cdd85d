import type { StartFault } from '../contract/start-faults.ts';

export type { StartFault } from '../contract/start-faults.ts';

/** Looks at one part and changes nothing. */
export type StartProbe = () => Promise<readonly StartFault[]>;

/** Every part is asked at the same time, each this long. */
const PROBE_TIMEOUT_MS = 15_000;

/** All at once, so that one start shows everything that has to be mended. */
export async function collectStartFaults(
  probes: Readonly<Record<string, StartProbe>>,
  timeoutMs = PROBE_TIMEOUT_MS,
): Promise<StartFault[]> {
  const found = await Promise.all(
    Object.entries(probes).map(([part, probe]) => answered(part, probe, timeoutMs)),
  );
  return found.flat();
}

/** What keeps the server from starting, as one list. */
export class StartRefused extends Error {
  readonly faults: readonly StartFault[];

  constructor(faults: readonly StartFault[]) {
    super(
      [`${faults.length} thing(s) keep the server from starting:`, ...linesOf(faults)].join('\n'),
    );
    this.name = 'StartRefused';
    this.faults = faults;
  }
}

/** @throws StartRefused unless there are only warnings; those are answered */
export function refuseFaults(faults: readonly StartFault[]): readonly StartFault[] {
  const refusing = faults.filter(({ warning }) => warning !== true);
  if (refusing.length > 0) throw new StartRefused(refusing);
  return faults;
}

function linesOf(faults: readonly StartFault[]): string[] {
  return faults.map(({ part, what, mend }) => `  ${part} ${what}: ${mend}`);
}

/** A probe that fails or does not answer is a fault itself; its own words are not repeated. */
async function answered(
  part: string,
  probe: StartProbe,
  timeoutMs: number,
): Promise<readonly StartFault[]> {
  const late = Promise.withResolvers<readonly StartFault[]>();
  const unknown = (what: string) => [{ part, what, mend: 'see that it can be reached' }];
  const timer = setTimeout(() => late.resolve(unknown('does not answer in time')), timeoutMs);
  try {
    return await Promise.race([probe(), late.promise]);
  } catch {
    return unknown('cannot be looked at');
  } finally {
    clearTimeout(timer);
  }
}
