import type { KafkaClient, KafkaConnection } from './client.ts';
import { closing } from './client-closing.ts';
import { Follower } from './client-follower.ts';
import { Group, type GroupParts } from './client-group.ts';
import { PlatformaticAdmin } from './platformatic-admin.ts';
import { PlatformaticMembership } from './platformatic-membership.ts';
import { createPlatformaticProducer } from './platformatic-producer.ts';
import { PlatformaticWire } from './platformatic-wire.ts';

/** `@platformatic/kafka` behind our port. */
export function createPlatformaticClient(connection: KafkaConnection): KafkaClient {
  const admin = new PlatformaticAdmin(connection);
  return closing(admin, {
    producer: (options = {}) => createPlatformaticProducer(connection, options),
    follow: (options) => new Follower(new PlatformaticWire(connection), admin, options),
    group(options) {
      const wire = new PlatformaticWire(connection);
      const membership: GroupParts['membership'] = (events) =>
        new PlatformaticMembership(connection, options, events);
      return new Group({ wire, admin, membership }, options);
    },
  });
}
