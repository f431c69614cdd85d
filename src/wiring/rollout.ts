import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import type { DeploymentKeys } from '../config/keys.ts';
import { ROLLOUT_FLAG_NAMES } from '../contract/rollout.ts';
import { createCallDesk } from '../gateway/calls/desk.ts';
import { MemoryCallStates } from '../gateway/calls/memory-states.ts';
import { notingCalls } from '../gateway/calls/noting-log.ts';
import { RedisCallStates } from '../gateway/calls/redis-states.ts';
import type { CallStates } from '../gateway/calls/states.ts';
import type { GatewayParts, RedisLink } from '../gateway/index.ts';
import { Bridge, bridged, FormerWatch } from '../gateway/rollout/bridge.ts';
import { createRolloutDesk } from '../gateway/rollout/desk.ts';
import { createFormer, placeOfClients } from '../gateway/rollout/former.ts';
import { realtimeInfo } from '../gateway/rollout/info.ts';
import { RolloutRecords } from '../gateway/rollout/records.ts';
import type { RealtimeDesk } from '../http/parts.ts';
import type { Service } from '../kernel/lifecycle.ts';
import type { Flags } from '../operations/flags.ts';
import type { View } from '../twin/ports.ts';
import { appsOf } from './pusher.ts';
import type { Report } from './running.ts';

export interface RolloutWired extends Pick<GatewayParts, 'reader' | 'audit' | 'clock'> {
  readonly keys: DeploymentKeys;
  readonly redis: RedisLink | undefined;
  readonly flags: Pick<Flags, 'rollout' | 'onChanged'>;
  readonly publicUrl: () => string;
  readonly report: Report;
  readonly view: Pick<View, 'partitionOf' | 'for'> & {
    /** Some member was forgotten. */
    onForgotten(listener: () => void): unknown;
  };
}

export interface WiredRollout {
  readonly around: NonNullable<GatewayParts['around']>;
  readonly services: readonly Service[];
  readonly desk: RealtimeDesk;
}

/** The move from Pusher: who is told what, what goes there as well, and how it stands. */
export function rolloutOf(config: Config, wired: RolloutWired): WiredRollout {
  const { clock, report, redis, flags } = wired;
  const { pusherBridge } = config;
  const apps = appsOf(config, wired.keys);
  const records = new RolloutRecords(join(config.dataDir, 'rollout.db'), clock);
  const calls: CallStates =
    redis === undefined ? new MemoryCallStates(clock) : new RedisCallStates(redis);
  const former = pusherBridge && createFormer(pusherBridge);
  const place = pusherBridge && placeOfClients(pusherBridge);
  const bridge = former && new Bridge({ former, counts: records, clock });
  const watch =
    former &&
    new FormerWatch(
      async () => {
        records.seenThere(await former.channels());
        records.looked();
      },
      clock,
      report,
    );
  const forgetting = (): void => {
    const isThere = (id: string): boolean => {
      const subject = { kind: 'member', id } as const;
      return wired.view.for(wired.view.partitionOf(subject)).tenantOf(subject) !== undefined;
    };
    records.forget(isThere);
    calls.forget?.(isThere);
  };
  const info = {
    ...wired,
    former: place,
    rollout: flags.rollout,
    appKeyOf: (tenant: string) => apps.find((app) => app.tenant === tenant)?.key,
    seen: (member: string, path: 'pusher' | 'websocket') => records.told(member, path),
  };
  return {
    around(log) {
      const noting = notingCalls(log, calls, report);
      return bridge === undefined ? noting : bridged(noting, bridge);
    },
    services: [keeping(records, wired, forgetting), ...(watch && bridge ? [bridge, watch] : [])],
    desk: {
      ...createCallDesk({ ...wired, calls }),
      info: (caller, member) => realtimeInfo(info, caller, member),
      rollout: createRolloutDesk({ records, clock, rollout: flags.rollout, former: place }),
    },
  };
}

/** Opened with the wiring, closed after whoever writes to it; knows since when each step holds. */
function keeping(
  records: RolloutRecords,
  { flags, view, report }: Pick<RolloutWired, 'flags' | 'view' | 'report'>,
  forget: () => void,
): Service {
  const look = (): void => {
    for (const flag of ROLLOUT_FLAG_NAMES) records.stepSince(flag, flags.rollout(flag));
  };
  let isOpen = true;
  flags.onChanged(() => isOpen && look());
  view.onForgotten(() => {
    try {
      if (isOpen) forget();
    } catch (error) {
      report(error);
    }
  });
  return {
    name: 'rollout-records',
    start() {
      look();
      return Promise.resolve();
    },
    stop() {
      isOpen = false;
      records.close();
      return Promise.resolve();
    },
  };
}
