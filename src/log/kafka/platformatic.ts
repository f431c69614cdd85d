import type { KafkaClient, KafkaConnection, KafkaProducer } from './client.ts';
import { atMost, BOUNDS } from './client-bounds.ts';
import { PlatformaticAdmin } from './platformatic-admin.ts';
import { PlatformaticFollower } from './platformatic-follower.ts';
import { PlatformaticGroup } from './platformatic-group.ts';
import { createPlatformaticProducer } from './platformatic-producer.ts';

/** `@platformatic/kafka` behind our port. */
export function createPlatformaticClient(connection: KafkaConnection): KafkaClient {
  const admin = new PlatformaticAdmin(connection);
  const open = new Set<() => Promise<void>>();
  const producer = (made: KafkaProducer): KafkaProducer => {
    open.add(() => made.close());
    return made;
  };
  const stoppable = <T extends { stop(): Promise<void> }>(made: T): T => {
    open.add(() => made.stop());
    return made;
  };
  return {
    admin,
    producer: (options = {}) => producer(createPlatformaticProducer(connection, options)),
    follow: (options) => stoppable(new PlatformaticFollower(connection, admin, options)),
    group: (options) => stoppable(new PlatformaticGroup(connection, admin, options)),
    async close() {
      await Promise.all([...open].map((close) => atMost(BOUNDS.stopMs * 4, close())));
      await atMost(BOUNDS.stopMs, admin.close());
    },
  };
}
