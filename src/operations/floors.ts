import type { Clock } from '../kernel/clock.ts';
import type { Service } from '../kernel/lifecycle.ts';
import { createFloors, type Floors } from '../twin/floors.ts';
import type { EventLog, View } from '../twin/ports.ts';
import { createSharedFloors, newestPlace } from '../twin/shared-floors.ts';
import { connectRedis, type RedisSettings } from './redis.ts';
import { createRedisFloors } from './redis-floors.ts';

export interface FloorsOptions {
  /** `undefined`: floors are of this instance alone. */
  readonly settings: RedisSettings | undefined;
  /** The same on every instance of the deployment. */
  readonly secret: Uint8Array;
  readonly log: Pick<EventLog, 'ends'>;
  readonly view: Pick<View, 'partitionOf' | 'epoch'>;
  readonly clock: Clock;
  readonly report: (error: unknown) => void;
}

export interface FloorsService extends Floors, Service {
  /** Whether whatever is raised here is honoured wherever it has to be, for readiness. */
  readonly shared: boolean;
}

/** Floors of this instance, or of all that share a Redis. */
export function openFloors(options: FloorsOptions): FloorsService {
  const { settings, secret, log, view, clock, report } = options;
  const name = 'floors';
  if (settings === undefined) {
    const nothing = () => Promise.resolve();
    return { ...createFloors(), name, start: nothing, stop: nothing, shared: true };
  }
  const redis = connectRedis({ settings, report });
  const store = createRedisFloors({ redis, clock, epoch: () => view.epoch });
  const newest = newestPlace(log, view, clock);
  return {
    ...createSharedFloors({ store, secret, newest }),
    name,
    start: () => redis.start(),
    stop: () => redis.stop(),
    get shared() {
      return redis.ready;
    },
  };
}
