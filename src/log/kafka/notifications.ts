import type { Service } from '../../kernel/lifecycle.ts';
import type { Notifications } from '../../twin/ports.ts';
import { encodeNotification } from '../events/notifications.ts';
import type { KafkaClient } from './client.ts';
import { createLateProducer } from './late-producer.ts';

export interface KafkaNotificationsOptions {
  readonly client: Pick<KafkaClient, 'producer'>;
  /** Whole name of `sessions.notification.requested`. */
  readonly topic: string;
  readonly onTrouble: (error: unknown) => void;
}

/** `sessions.notification.requested`, for whoever has mail, telephone or an app to send by. */
export function createKafkaNotifications(
  options: KafkaNotificationsOptions,
): Notifications & Service {
  const { client, topic, onTrouble } = options;
  const producer = createLateProducer(client, onTrouble);
  return {
    name: 'notifications',
    start: () => Promise.resolve(),
    stop: () => producer.stop(),
    async request(requests) {
      const messages = requests.map((one) => ({ topic, ...encodeNotification(one) }));
      await producer.send('asking for notifications', messages);
    },
  };
}
