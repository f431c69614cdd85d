import type { EventLog, View } from '../twin/ports.ts';
import type { Probe, ProbeResult } from './health.ts';

/** How long the view may take to reach what the log had when it was asked, milliseconds. */
const CATCH_UP_MS = 500;

/** Ready all the same, since what is known can be read; it was said aloud when it was found. */
const DAMAGED = 'damaged: reads go on, nothing is taken; run digital-twin doctor';

export interface ProbedParts {
  readonly log: Pick<EventLog, 'ends' | 'damaged'>;
  /** A log that is away then keeps no instance from answering what it knows (design §6). */
  readonly isRemote: boolean;
  readonly view: Pick<View, 'waitFor'>;
  readonly access: { readonly sure: boolean };
  readonly audit: {
    ready(): boolean;
    state(): {
      readonly shipping: { readonly waiting: number; readonly away: boolean } | undefined;
      readonly witness: { readonly fault?: string };
    };
  };
  /** A company's issuer of tokens. */
  readonly issuer?:
    | { readonly state: { readonly known: number; readonly answers: boolean } }
    | undefined;
  readonly floors: { readonly shared: boolean };
  readonly outbox: {
    state(): { readonly submissions: number; readonly away: boolean; readonly alive: boolean };
  };
}

/**
 * What `/readyz` asks: the log answers, the view is with it, Watch is alive, records are kept,
 * and how much this instance holds that the log has not: it is ready, and must not lose its disk.
 */
export function createProbes({
  log,
  isRemote,
  view,
  access,
  audit,
  outbox,
  floors,
  issuer,
}: ProbedParts): Record<string, Probe> {
  const asked = isRemote ? boundedEnds(log) : () => log.ends();
  const endsOf = async () => (log.damaged === true ? undefined : await asked());
  return {
    async log() {
      if (log.damaged === true) return { ok: true, detail: DAMAGED };
      const isThere = (await endsOf()) !== undefined;
      return isThere ? { ok: true } : { ok: true, detail: 'away: reads go on, facts are held' };
    },
    async view() {
      const ends = await endsOf();
      if (ends === undefined) return { ok: true, detail: 'as of when the log was there' };
      const reached = await Promise.all(
        ends.map((end, partition) => view.waitFor({ partition, offset: end - 1 }, CATCH_UP_MS)),
      );
      return reached.every(Boolean) ? { ok: true } : { ok: false, detail: 'behind the log' };
    },
    access: () =>
      access.sure ? { ok: true } : { ok: false, detail: 'no sign of life from the watch' },
    // Without Redis reads are right as well: they wait for the end of the log.
    floors: () => (floors.shared ? { ok: true } : { ok: true, detail: 'Redis is away' }),
    outbox() {
      const { submissions, away, alive } = outbox.state();
      if (!alive) return { ok: false, detail: 'nothing can be held' };
      if (submissions === 0) return { ok: true };
      const why = away ? 'the log is away' : 'the log takes them in order';
      return { ok: true, detail: `holds ${submissions} submissions: ${why}` };
    },
    ...(issuer && { issuer: () => issuerProbe(issuer.state) }),
    audit: () => auditProbe(audit),
  };
}

/** Only what cannot be kept here keeps the instance from answering; the rest is told. */
function auditProbe(audit: ProbedParts['audit']): ProbeResult {
  if (!audit.ready()) return { ok: false, detail: 'records cannot be kept' };
  const { shipping, witness } = audit.state();
  const away = shipping?.away === true ? `${shipping.waiting} records wait for Kafka` : undefined;
  const unseen = witness.fault && `the witness has not the newest checkpoint: ${witness.fault}`;
  const told = [away, unseen].filter((one) => one !== undefined);
  return told.length === 0 ? { ok: true } : { ok: true, detail: told.join('; ') };
}

/** Without a key nobody can be let in; with some, those that they were made for. */
function issuerProbe({ known, answers }: { known: number; answers: boolean }): ProbeResult {
  if (known === 0) return { ok: false, detail: 'no key is known' };
  return answers ? { ok: true } : { ok: true, detail: 'away: known keys go on for an hour' };
}

/** `undefined` where the log is away. */
function boundedEnds(log: Pick<EventLog, 'ends'>): () => Promise<number[] | undefined> {
  return async () => {
    const late = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => late.resolve(undefined), CATCH_UP_MS);
    const asked = log.ends().catch(() => undefined);
    return await Promise.race([asked, late.promise]).finally(() => clearTimeout(timer));
  };
}
