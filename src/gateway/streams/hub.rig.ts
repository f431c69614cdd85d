import { systemClock } from '../../kernel/clock.ts';
import type { AccessChange, Principal } from '../../twin/ports.ts';
import { NOT_COUNTED } from '../metrics.ts';
import type {
  ChannelLog,
  Connection,
  Delivery,
  GatewayEvent,
  ReadSince,
  Sending,
  StreamEntry,
  StreamName,
  Subscriber,
  Told,
} from '../ports.ts';
import { LOG_BOUNDS, type LogBounds } from './bounds.ts';
import { GatewayHub } from './hub.ts';
import { MemoryLog } from './memory-log.ts';

export function principalOf(subject: string, more: Partial<Principal> = {}): Principal {
  return {
    ...{ kind: 'user', subject, tenant: 'demo', clientId: 'test', issuer: 'test' },
    ...{ tokenId: `token-${subject}`, scopes: new Set<string>(), expiresAtMs: Date.now() + 60_000 },
    ...more,
  } as Principal;
}

export function careOf(member: string): string {
  return `mcp://twins/member/${member}/care`;
}

export function callOf(id: string, member: string, more: Partial<GatewayEvent> = {}): GatewayEvent {
  return {
    ...{ id, type: 'call.join', topic: 'call-notifications', tenant: 'demo', member },
    ...{ needs: careOf(member), time: new Date().toISOString(), ...more },
  };
}

/** A connection that keeps what it was sent. */
export function fakeConnection(id = '1.1') {
  const sent: { message: string; how: Sending | undefined }[] = [];
  const connection: Connection & { isOpen: boolean; closed: number | undefined } = {
    id,
    isOpen: true,
    queuedBytes: 0,
    heardAt: 0,
    closed: undefined,
    send(message, how) {
      sent.push({ message, how });
      return connection.isOpen;
    },
    purge: () => 0,
    close(code) {
      connection.isOpen = false;
      connection.closed = code;
    },
    terminate() {
      connection.isOpen = false;
    },
    ping: () => undefined,
  };
  return Object.assign(connection, { sent });
}

export interface Ear extends Subscriber {
  readonly told: Told[];
  readonly ids: string[];
  readonly gaps: ReadSince[];
  readonly revocations: StreamName[];
  readonly unverified: { count: number };
}

export function ear(principal: Principal | undefined, wants = (_: GatewayEvent) => true): Ear {
  const [told, ids, gaps, revocations]: [Told[], string[], ReadSince[], StreamName[]] = [
    [],
    [],
    [],
    [],
  ];
  const unverified = { count: 0 };
  return {
    ...{ connection: fakeConnection(), principal, told, ids, gaps, revocations, unverified, wants },
    needs: (stream) => [careOf(stream.split(':')[1] ?? '')],
    frame(one) {
      told.push(one);
      ids.push(one.entry.event.id);
      return { message: one.entry.event.id };
    },
    gap: (_, read) => void gaps.push(read),
    revoked: (stream) => void revocations.push(stream),
    unverifiable() {
      unverified.count += 1;
    },
  };
}

/** A hub over a log in memory, whose messages can be lost and whose reads take a moment. */
export function hubRig(
  options: { bounds?: Partial<LogBounds>; lookMs?: number; log?: ChannelLog } = {},
) {
  const memory = new MemoryLog({
    clock: systemClock,
    bounds: { ...LOG_BOUNDS, ...options.bounds },
  });
  const loses = { next: (_: StreamEntry): boolean => false };
  const inMemory: ChannelLog = Object.assign(Object.create(memory) as ChannelLog, {
    append: memory.append.bind(memory),
    tops: memory.tops.bind(memory),
    renew: memory.renew.bind(memory),
    async read(...asked: Parameters<ChannelLog['read']>) {
      await new Promise(setImmediate);
      const read = await memory.read(...asked);
      await new Promise(setImmediate);
      return read;
    },
    onEntry: (listener: Parameters<ChannelLog['onEntry']>[0]) =>
      memory.onEntry((stream, epoch, entry) => {
        if (!loses.next(entry)) listener(stream, epoch, entry);
      }),
  });
  const log = options.log ?? inMemory;
  const rules = {
    may: (_: Principal, uri: string): boolean => uri !== '',
    fails: false,
    delayed: async (): Promise<void> => undefined,
  };
  const deliveries: Delivery[] = [];
  const withheld: Delivery[] = [];
  const listeners = new Set<(change: AccessChange) => void>();
  const reported: unknown[] = [];
  const answer = async (principal: Principal, uris: readonly string[]) => {
    await rules.delayed();
    if (rules.fails) throw new Error('SpiceDB is away');
    return uris.map((uri) => rules.may(principal, uri));
  };
  const hub = new GatewayHub({
    log,
    rights: {
      mayKnow: async (principal, events) => {
        const may = await answer(
          principal,
          events.map(({ needs = '' }) => needs),
        );
        return may.map((one, index) => one && events[index]?.tenant === principal.tenant);
      },
      readable: answer,
      asked: async () => undefined,
      withheld: async (all) => void withheld.push(...all),
      told: async (all) => void deliveries.push(...all),
    },
    ready: () => undefined,
    access: {
      onChange(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    ...{ clock: systemClock, metrics: NOT_COUNTED, report: (error) => reported.push(error) },
    ...(options.lookMs !== undefined && { lookMs: options.lookMs }),
  });
  return {
    ...{ hub, log, rules, loses, deliveries, withheld, reported },
    accessChanged: (change: AccessChange) => {
      for (const listener of listeners) listener(change);
    },
    /** Resolves when nothing is under way any more. */
    async settled(): Promise<void> {
      for (let turn = 0; turn < 60; turn += 1) await new Promise(setImmediate);
    },
  };
}
