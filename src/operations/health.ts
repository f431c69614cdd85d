/** What one part says of itself: our own words, since anybody may ask `/readyz`. */
export interface ProbeResult {
  readonly ok: boolean;
  readonly detail?: string;
}

export type Probe = () => ProbeResult | Promise<ProbeResult>;

/** `ready` when every probe is ok; each probe's result under its name. */
export type Readiness = { ready: boolean } & { [probe: string]: ProbeResult | boolean };

export interface Health {
  readiness(): Promise<Readiness>;
  /** From now on not ready: balancers send no more, while open work ends. */
  drain(): void;
}

const PROBE_TIMEOUT_MS = 1_000;

/** @param report causes of failed probes, for the log: an answer never holds them. */
export function createHealth(
  probes: Readonly<Record<string, Probe>>,
  report: (error: unknown) => void,
): Health {
  let draining = false;
  return {
    async readiness() {
      const results = await Promise.all(
        Object.entries(probes).map(
          async ([name, probe]) => [name, await resultOf(name, probe, report)] as const,
        ),
      );
      const ready = !draining && results.every(([, { ok }]) => ok);
      return { ...Object.fromEntries(results), ready, ...(draining && { draining }) };
    },
    drain() {
      draining = true;
    },
  };
}

async function resultOf(
  name: string,
  probe: Probe,
  report: (error: unknown) => void,
): Promise<ProbeResult> {
  const late = Promise.withResolvers<ProbeResult>();
  const timer = setTimeout(() => late.resolve({ ok: false, detail: 'late' }), PROBE_TIMEOUT_MS);
  try {
    return await Promise.race([(async () => await probe())(), late.promise]);
  } catch (cause) {
    report(new Error(`the probe ${name} failed`, { cause }));
    return { ok: false };
  } finally {
    clearTimeout(timer);
  }
}
