/** The one shape of everything that runs: started in order, stopped in reverse. */
export interface Service {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** How long one service may take to stop before the next is stopped anyway. */
const STOP_DEADLINE_MS = 10_000;

/** Which service could not start, and why; for whoever operates the server. */
export class StartFailed extends Error {
  constructor(service: string, cause: unknown) {
    super(`${service} cannot start: ${reasonOf(cause)}`, { cause });
    this.name = 'StartFailed';
  }
}

/** The innermost cause: what stands around it says in general what this says in particular. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : reasonOf(error.cause);
}

/**
 * Starts services in order; when one fails, stops those already started.
 * @throws StartFailed
 */
export async function startAll(services: readonly Service[]): Promise<void> {
  for (const [index, service] of services.entries()) {
    try {
      await service.start();
    } catch (error) {
      await stopAll(services.slice(0, index));
      throw new StartFailed(service.name, error);
    }
  }
}

/** Stops services in reverse order, each within a deadline; returns the names of the late ones. */
export async function stopAll(services: readonly Service[]): Promise<string[]> {
  const late: string[] = [];
  for (const service of services.toReversed()) {
    const outcome = await Promise.race([settled(service), deadline()]);
    if (outcome === 'late') late.push(service.name);
  }
  return late;
}

async function settled(service: Service): Promise<'stopped'> {
  await service.stop().catch(() => undefined);
  return 'stopped';
}

function deadline(): Promise<'late'> {
  return new Promise((resolve) => {
    setTimeout(() => resolve('late'), STOP_DEADLINE_MS).unref();
  });
}
