import type { Clock } from '../kernel/clock.ts';
import type { Service } from '../kernel/lifecycle.ts';
import type {
  AuditTopic,
  ChangeBus,
  CheckJournal,
  DeadLetters,
  EventLog,
  EventTopics,
  Intake,
  Leadership,
  Notifications,
  RelationJournal,
  Replays,
  View,
} from '../twin/ports.ts';
import type { Secrets } from '../twin/sealing.ts';
import type { DecidingRules } from './identity.ts';
import type { KafkaConnection } from './kafka/client.ts';
import type { KafkaAdapter } from './kafka/create.ts';

/** A Kafka of the company's. */
export interface KafkaSettings extends Omit<KafkaConnection, 'clientId'> {
  readonly client: KafkaAdapter;
  readonly topicPrefix: string;
  readonly groupPrefix: string;
  /** URL of a registry, with its user and password. */
  readonly schemaRegistry?: string;
}

export interface LogRoomOptions extends DecidingRules {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
  /** What is tried again, and may pass. */
  readonly onPassing: (error: unknown) => void;
  /** `undefined`: the embedded log. */
  readonly kafka: KafkaSettings | undefined;
  /** 32 bytes each: dead letters are sealed by what is derived from the first, opened by any. */
  readonly letterSecrets: Secrets;
  /** Whether topics that are missing are made at start; else they keep it from starting. */
  readonly makeTopics: boolean;
}

/** Everything about what was said and accepted, on the embedded log or on Kafka. */
export interface LogRoom {
  readonly log: EventLog;
  readonly intake: Intake;
  readonly relations: RelationJournal;
  /** Who of the instances that share a SpiceDB writes relations; absent where there is only one. */
  readonly relationsLeadership: (Leadership & Service) | undefined;
  /** In the order in which they start. */
  readonly services: readonly Service[];
  /** Leaves no byte of what was forgotten in the room's own files of this instance. */
  purge(): Promise<void>;
  /** Removes superseded records and old tombstones now; absent where Kafka does. */
  readonly compact?: () => Promise<void>;
  /** What consumers could not handle, and topics again; none with the embedded log. */
  readonly desks: { readonly deadLetters?: DeadLetters; readonly replays?: Replays };
  /** Where instances tell each other of their audit's rows; none with the embedded log. */
  readonly audits?: AuditTopic & Service;
  /** Of eligibility, and who of the instances reigns over it; none with the embedded log. */
  readonly checks?: {
    readonly journal: CheckJournal & Service;
    readonly leadership: Leadership & Service;
  };
  /** The topics of events; with the embedded log there are none. */
  readonly events?: EventTopics;
  /** What should reach people; with the embedded log there is nobody who would send it. */
  readonly notifications?: Notifications & Service;
  /** What leaves the instance, once its view follows the log; none from the embedded log. */
  publisher(view: View, bus: ChangeBus): readonly Service[];
}
