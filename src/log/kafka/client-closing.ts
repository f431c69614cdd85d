import type { KafkaAdmin, KafkaClient } from './client.ts';
import { atMost, BOUNDS } from './client-bounds.ts';

type Makers = Pick<KafkaClient, 'producer' | 'follow' | 'group'>;

/** A client that ends all it has made before it closes itself. */
export function closing(
  admin: KafkaAdmin & { close(): Promise<void> },
  makers: Makers,
): KafkaClient {
  const made = new Set<() => Promise<void>>();
  const kept = <T>(thing: T, end: (thing: T) => Promise<void>): T => {
    made.add(() => end(thing));
    return thing;
  };
  return {
    admin,
    producer: (options) => kept(makers.producer(options), (producer) => producer.close()),
    follow: (options) => kept(makers.follow(options), (follower) => follower.stop()),
    group: (options) => kept(makers.group(options), (group) => group.stop()),
    async close() {
      await Promise.all([...made].map((end) => atMost(BOUNDS.callMs, end())));
      await atMost(BOUNDS.stopMs, admin.close());
    },
  };
}
