import { LIMITS } from '../../kernel/limits.ts';
import type { KafkaClient, KafkaMessage } from './client.ts';
import { bounded } from './client-bounds.ts';

/** A producer that is opened once there is something to send: Kafka away keeps no start waiting. */
export interface LateProducer {
  /** @param doing for the error's words @throws Error past the bound; whether it was sent is open */
  send(doing: string, messages: readonly KafkaMessage[]): Promise<void>;
  stop(): Promise<void>;
}

export function createLateProducer(
  client: Pick<KafkaClient, 'producer'>,
  onTrouble: (error: unknown) => void,
): LateProducer {
  const producer = client.producer();
  let opening: Promise<void> | undefined;
  return {
    async send(doing, messages) {
      opening ??= producer.open().catch((error: unknown) => {
        opening = undefined;
        throw error;
      });
      await bounded(`${doing}: opening`, opening, LIMITS.sayTimeoutMs);
      await bounded(doing, producer.send([...messages]), LIMITS.sayTimeoutMs);
    },
    async stop() {
      await opening?.catch(() => undefined);
      await producer.close().catch(onTrouble);
    },
  };
}
