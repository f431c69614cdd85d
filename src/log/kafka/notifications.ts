import type { Service } from '../../kernel/lifecycle.ts';
import { LIMITS } from '../../kernel/limits.ts';
import type { Notifications } from '../../twin/ports.ts';
import { encodeNotification } from '../events/notifications.ts';
import type { KafkaClient } from './client.ts';
import { bounded } from './client-bounds.ts';

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
  const producer = client.producer();
  let opening: Promise<void> | undefined;
  return {
    name: 'notifications',
    start: () => Promise.resolve(),
    async stop() {
      await opening?.catch(() => undefined);
      await producer.close().catch(onTrouble);
    },
    async request(requests) {
      opening ??= producer.open().catch((error: unknown) => {
        opening = undefined;
        throw error;
      });
      await bounded('opening the notifications topic', opening, LIMITS.sayTimeoutMs);
      const messages = requests.map((one) => ({ topic, ...encodeNotification(one) }));
      await bounded('asking for notifications', producer.send(messages), LIMITS.sayTimeoutMs);
    },
  };
}
