import { OpenFeature, type Provider, ProviderEvents } from '@openfeature/server-sdk';
import type { FlagState, FlagStates } from '../contract/flags.ts';
import { ROLLOUT_FLAG_NAMES, type RolloutFlag } from '../contract/rollout.ts';
import type { Clock } from '../kernel/clock.ts';
import { Fault } from '../kernel/errors.ts';
import { randomId } from '../kernel/ids.ts';
import type { Service } from '../kernel/lifecycle.ts';
import type { EventDelivery } from '../twin/ports.ts';
import { FlagsFile } from './flags-file.ts';
import { FileProvider } from './flags-provider.ts';
import { FLAGS, type FlagName, isFlagName, type ValueOf } from './flags-table.ts';

/** Flags by OpenFeature: what an operator may turn while the server runs. */
export interface Flags extends Service {
  /** Bounded by the provider; whatever is on no list is the default. */
  eventDelivery(): Promise<EventDelivery>;
  /** Told of what is in force from now on, whoever set it: by a request, or in the file. */
  onChanged(listener: (flag: string, value: string) => void): void;
  /** As the provider told last: each read asks. */
  hotReads(): boolean;
  /** As the provider told last. */
  rteMode(): ValueOf<'rte-mode'>;
  /** Percent of members, as the provider told last: so that each answer asks. */
  rollout(flag: RolloutFlag): number;
  list(): Promise<FlagStates>;
  /**
   * Durable in the file when it resolves, and in force.
   * @throws Fault INVALID_ARGUMENT for a flag or value that is on no list, CONFLICT where another
   *   provider or a broken file says what holds
   */
  set(name: string, value: string): Promise<void>;
}

export interface FlagsOptions {
  /** JSON: `{"event-delivery": "poll"}`. Looked at every second; need not be there. */
  readonly file: string;
  readonly clock: Clock;
  /** Replaces a file in one step, durably. */
  readonly write: (path: string, text: string) => Promise<void>;
  readonly report: (error: unknown) => void;
  /** In place of the file: LaunchDarkly's, flagd's or any other of OpenFeature. */
  readonly provider?: Provider;
}

export function createFlags(options: FlagsOptions): Flags {
  const { report } = options;
  const file = new FlagsFile(options);
  const provider = options.provider ?? new FileProvider(file);
  const isFile = options.provider === undefined;
  // A domain of our own, so that two servers in one process do not share a provider.
  const domain = `digital-twin-${randomId()}`;
  const client = OpenFeature.getClient(domain);

  const detailsOf = async <N extends FlagName>(name: N) => {
    const flag = FLAGS[name];
    const { value, reason } = await client.getStringDetails(name, flag.default);
    const values: readonly ValueOf<N>[] = flag.values;
    const known = values.find((one) => one === value);
    if (known === undefined) report(new Error(`the flag ${name} has a value that is on no list`));
    const fallback: ValueOf<N> = flag.default;
    return { value: known ?? fallback, isSet: known !== undefined && isSet(reason) };
  };
  const stateOf = async (name: FlagName): Promise<FlagState> => {
    const { value, isSet: given } = await detailsOf(name);
    const source = given ? provider.metadata.name : 'default';
    return { name, value, source, values: FLAGS[name].values, says: FLAGS[name].says };
  };

  let hotReads = true;
  let rteMode: ValueOf<'rte-mode'> = 'events';
  const rollouts = new Map<RolloutFlag, number>();
  const look = async (): Promise<void> => {
    hotReads = (await detailsOf('hot-reads')).value === 'on';
    rteMode = (await detailsOf('rte-mode')).value;
    for (const name of ROLLOUT_FLAG_NAMES) {
      rollouts.set(name, Number((await detailsOf(name)).value));
    }
  };
  const listeners: ((flag: string, value: string) => void)[] = [];
  const tell = async (names: readonly string[]): Promise<void> => {
    await look();
    for (const name of names.filter(isFlagName)) {
      const { value } = await detailsOf(name);
      for (const listener of listeners) listener(name, value);
    }
  };
  client.addHandler(ProviderEvents.ConfigurationChanged, (details) => {
    tell(details?.flagsChanged ?? Object.keys(FLAGS)).catch(report);
  });

  return {
    name: 'flags',
    async start() {
      if (isFile) await file.start();
      await OpenFeature.setProviderAndWait(domain, provider);
      await look();
    },
    stop() {
      file.stop();
      return Promise.resolve();
    },
    onChanged: (listener) => void listeners.push(listener),
    hotReads: () => hotReads,
    rteMode: () => rteMode,
    rollout: (flag) => rollouts.get(flag) ?? 0,
    eventDelivery: async () => (await detailsOf('event-delivery')).value,
    async list() {
      const flags = await Promise.all((Object.keys(FLAGS) as FlagName[]).map(stateOf));
      return { flags, ...(file.problem !== undefined && { problem: file.problem }) };
    },
    async set(name, value) {
      if (!isFlagName(name)) throw wrong(`known flags are ${Object.keys(FLAGS).join(', ')}`);
      const values: readonly string[] = FLAGS[name].values;
      if (!values.includes(value)) throw wrong(`${name} is one of ${values.join(', ')}`);
      if (!isFile) {
        throw new Fault('CONFLICT', { detail: 'Flags come from another provider: set it there.' });
      }
      await file.set(name, value);
      await look();
    },
  };
}

function isSet(reason: string | undefined): boolean {
  return reason !== 'DEFAULT' && reason !== 'ERROR';
}

function wrong(known: string): Fault {
  return new Fault('INVALID_ARGUMENT', { detail: `No such flag or value: ${known}.` });
}
