import { createEmbeddedLog } from './embedded.ts';
import type { LogRoom, LogRoomOptions } from './room-parts.ts';

/** @throws Error naming topics and command, where Kafka is not as it should be */
export async function openLogRoom(options: LogRoomOptions): Promise<LogRoom> {
  const { kafka, ...others } = options;
  if (kafka !== undefined) {
    const { openKafkaRoom } = await import('./kafka/room.ts');
    return await openKafkaRoom({ ...others, kafka });
  }
  const embedded = createEmbeddedLog(others);
  const { log, intake, relations } = embedded;
  return {
    ...{ log, intake, relations },
    relationsLeadership: undefined,
    services: [embedded],
    purge: embedded.purge,
    compact: embedded.compact,
    desks: {},
    publisher: () => [],
  };
}
