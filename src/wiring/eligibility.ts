import { createHmac } from 'node:crypto';
import type { Config } from '../config/config.ts';
import type { EligibilitySettings } from '../config/eligibility.ts';
import type { DeploymentKeys } from '../config/keys.ts';
import {
  type BatchClearinghouse,
  type BatchDesk,
  BROKER_DEFAULTS,
  type CheckDesk,
  CheckTable,
  type Clearinghouse,
  createBroker,
  createCheckDesk,
  createEmbeddedJournal,
  createFacts,
  createShadow,
  createSubjects,
  type EnrollmentDesk,
  Enrollments,
  findFact,
  readPayers,
  recordIds,
  SCHEDULER_DEFAULTS,
  Stedi,
  startSimulator,
} from '../eligibility/index.ts';
import type { Clock } from '../kernel/clock.ts';
import { base32 } from '../kernel/ids.ts';
import type { Service } from '../kernel/lifecycle.ts';
import type { LogRoom } from '../log/room-parts.ts';
import type { Flags } from '../operations/flags.ts';
import type { Logger } from '../operations/logger.ts';
import type { Metrics } from '../operations/metrics.ts';
import { openCheckBoard } from '../operations/redis-checks.ts';
import type { Access, Audit, CheckJournal, HoldingIntake, LogPlace, View } from '../twin/ports.ts';
import type { PositionCodec } from '../twin/position.ts';
import { sealingSecrets } from './door.ts';
import { batchesOf } from './eligibility-batches.ts';
import type { Report } from './running.ts';

interface Wired {
  readonly log: Pick<LogRoom, 'checks'>;
  readonly view: View;
  readonly access: Access;
  readonly audit: Audit;
  readonly intake: HoldingIntake;
  readonly positions: PositionCodec;
  readonly keys: DeploymentKeys;
  readonly flags: Pick<Flags, 'rteMode'>;
  readonly metrics: Pick<Metrics, 'eligibility'>;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'warn'>;
  readonly report: Report;
  readonly onDeath: (error: Error) => void;
}

export interface WiredEligibility {
  /** Absent where this installation asks no clearinghouse. */
  readonly desk?: CheckDesk;
  /** For the listener. */
  readonly routes: {
    readonly eligibility: CheckDesk | undefined;
    /** Absent as well where the role does not run. */
    readonly eligibilityBatches: BatchDesk | undefined;
    readonly enrollments: EnrollmentDesk | undefined;
  };
  /** For whoever tells people of it. */
  readonly told: { readonly onChecks?: CheckJournal['onEvents'] };
  /** In the order in which they start, after the log, the view and the access room. */
  readonly services: readonly Service[];
}

/** Checks of every instance; the broker where the role runs. */
export function eligibilityOf(config: Config, wired: Wired): WiredEligibility {
  const { eligibility: settings, dataDir } = config;
  if (settings === undefined) return { services: [], told: {}, routes: routesOf() };
  const { view, clock, report, positions, flags, log, onDeath } = wired;
  const secrets = sealingSecrets(wired.keys);
  const payers = readPayers(settings.payersFile);
  const metrics = wired.metrics.eligibility(payers.ids);
  const [secret] = secrets;
  const keyOf = (text: string): string =>
    base32(createHmac('sha256', secret).update('fact').update(text).digest().subarray(0, 16));
  const positionOf = ({ epoch, partition, offset }: LogPlace): string =>
    positions.encode({ epoch, places: [{ partition, offset }] });
  const house = clearinghouseOf(settings, clock);
  const onTrouble = report;
  const { journal, leadership } = log.checks ?? {
    journal: createEmbeddedJournal({ dataDir, clock, onDeath, onTrouble }),
    leadership: undefined,
  };
  const board = openCheckBoard({ settings: config.redis, secrets, report });
  const table = new CheckTable();
  const { provider, slots } = settings;
  const subjects = createSubjects({ view, payers, provider, secret });
  const scheduler = { ...SCHEDULER_DEFAULTS, slots, holdMsMax: settings.timeoutMs };
  const tuned = { ...BROKER_DEFAULTS, scheduler };
  const shared = { journal, table, board, clock, metrics, report };
  const facts = createFacts({
    intake: wired.intake,
    positionOf: (place) => positionOf({ epoch: view.epoch, ...place }),
    keyOf,
    payerName: (id) => payers.find(id)?.name,
  });
  const broker = createBroker({
    ...{ ...shared, clearinghouse: house.newest, settings: tuned },
    ...(leadership !== undefined && { leadership }),
    facts,
    questions: {
      of({ tenant, member, coverage, serviceTypes, provider: npi, serviceDate }) {
        const asked = { tenant, member, serviceTypes };
        const more = { coverage, provider: npi, serviceDate };
        return questionOf(() => subjects.find({ ...asked, ...withoutAbsent(more) }).question);
      },
    },
    placeOf(position) {
      const { epoch, places } = positions.decode(position);
      return places[0] && { epoch, ...places[0] };
    },
    shadow: createShadow({
      old: house.old,
      on: () => flags.rteMode() === 'shadow',
      metrics,
      warn: (fields) => wired.logger.warn({ fields }, 'the old way answers otherwise'),
    }),
  });
  const desk = createCheckDesk({
    ...{ ...shared, broker, subjects, positionOf, secret, settings: tuned },
    ...{ access: wired.access, audit: wired.audit, mode: () => flags.rteMode() },
    factOf: (question) => findFact({ view, idsOf: (one) => recordIds(one, keyOf) }, question),
  });
  const enrollments = new Enrollments({
    ...{ ...wired, table, journal, checks: desk, secret },
    positionOf: (place) => positionOf({ epoch: view.epoch, ...place }),
  });
  const deciding = config.roles.includes('eligibility');
  const leading = leadership === undefined ? [] : [leadership];
  const told = { onChecks: journal.onEvents };
  const always = [house, board, journal];
  if (!deciding) return { desk, services: always, told, routes: routesOf(desk, enrollments) };
  const batches = batchesOf({
    ...wired,
    metrics,
    dataDir,
    subjects,
    facts,
    clearinghouse: house.batches,
  });
  const decides = [broker, ...leading, ...batches.services];
  const services = [...always, ...decides];
  return { desk, services, told, routes: routesOf(desk, enrollments, batches.desk) };
}

function routesOf(
  desk?: CheckDesk,
  enrollments?: EnrollmentDesk,
  batches?: BatchDesk,
): WiredEligibility['routes'] {
  return { eligibility: desk, enrollments, eligibilityBatches: batches };
}

/** Too little is known of the person any more (a record was withdrawn): not asked, and told so. */
function questionOf<T>(find: () => T): T | undefined {
  try {
    return find();
  } catch {
    return undefined;
  }
}

function withoutAbsent<T extends object>(parts: T) {
  const there = Object.entries(parts).filter(([, part]) => part !== undefined);
  return Object.fromEntries(there) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** The simulator's address is known once it is started. */
function clearinghouseOf(settings: EligibilitySettings, clock: Clock) {
  const { apiKey, simulated, slots, timeoutMs } = settings;
  let url = settings.url;
  let stop: () => Promise<void> = () => Promise.resolve();
  const asked = (endpoint: '2026-06-01' | '2024-04-01'): Clearinghouse => {
    let client: Stedi | undefined;
    return {
      timeoutMs,
      check(question, options) {
        client ??= new Stedi({ apiKey, clock, endpoint, url, timeoutMs });
        return client.check(question, options);
      },
    };
  };
  let manager: Stedi | undefined;
  const batches = (): Stedi => {
    manager ??= new Stedi({ apiKey, clock, url, timeoutMs });
    return manager;
  };
  return {
    name: 'clearinghouse',
    batches: {
      submit: (...given) => batches().submit(...given),
      find: (...given) => batches().find(...given),
      results: (...given) => batches().results(...given),
      progress: (...given) => batches().progress(...given),
    } satisfies BatchClearinghouse,
    newest: asked('2026-06-01'),
    old: asked('2024-04-01'),
    async start() {
      if (!simulated) return;
      const simulator = await startSimulator({ clock, slots });
      url = simulator.url;
      stop = simulator.stop;
    },
    stop: () => stop(),
  };
}
