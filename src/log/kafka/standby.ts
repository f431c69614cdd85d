import type { WorkerHandle } from '../../kernel/worker.ts';
import type { KafkaClient, KafkaFollower, TopicPlace } from './client.ts';
import type { Next } from './decider-db.ts';
import type { DeciderMethods, DeciderTopics } from './decider-methods.ts';

export interface StandbyOptions {
  readonly client: Pick<KafkaClient, 'follow'>;
  readonly topics: DeciderTopics;
  /** How many there are of each. */
  readonly partitions: { readonly sources: number; readonly directory: number };
  readonly call: WorkerHandle<DeciderMethods>['call'];
  readonly onTrouble: (error: unknown) => void;
}

/** Keeps the state of a decider that does not lead as new as what the active one has committed. */
export interface Standby {
  start(): Promise<void>;
  /** Resolves once everything committed before the call is taken in. */
  caughtUp(): Promise<void>;
  stop(): Promise<void>;
}

export function createStandby(options: StandbyOptions): Standby {
  const { client, topics, partitions, call, onTrouble } = options;
  let follower: KafkaFollower | undefined;
  return {
    async start() {
      const stands = await call('stands', null);
      follower = client.follow({
        from: [
          ...places(topics.sources, partitions.sources, stands.sources),
          ...places(topics.directory, partitions.directory, stands.directory),
          ...places(topics.decider, 1, stands.decider),
        ],
        onRecords: (records) => call('restore', { records }),
        onTrouble,
      });
      await follower.start();
    },
    async caughtUp() {
      await follower?.caughtUp();
    },
    async stop() {
      const ending = follower;
      follower = undefined;
      await ending?.stop();
    },
  };
}

function places(topic: string, partitions: number, known: readonly Next[]): TopicPlace[] {
  const at = new Map(known.map(({ partition, next }) => [partition, next]));
  return Array.from({ length: partitions }, (_, partition) => {
    return { topic, partition, offset: at.get(partition) ?? 0 };
  });
}
