import type { KafkaClient, KafkaConnection } from './client.ts';
import { closing } from './client-closing.ts';
import { Follower } from './client-follower.ts';
import { Group, type GroupParts } from './client-group.ts';
import { KafkajsAdmin } from './kafkajs-admin.ts';
import { KafkajsMembership } from './kafkajs-membership.ts';
import { createKafkajsProducer } from './kafkajs-producer.ts';
import { KafkajsWire } from './kafkajs-wire.ts';

/** `kafkajs` behind our port. */
export function createKafkajsClient(connection: KafkaConnection): KafkaClient {
  const admin = new KafkajsAdmin(connection);
  return closing(admin, {
    producer: (options = {}) => createKafkajsProducer(connection, options),
    follow: (options) => new Follower(new KafkajsWire(connection), admin, options),
    group(options) {
      const wire = new KafkajsWire(connection);
      const membership: GroupParts['membership'] = (events) =>
        new KafkajsMembership(connection, options, events);
      return new Group({ wire, admin, membership }, options);
    },
  });
}
