import { ROLLOUT_FLAGS, ROLLOUT_STEPS } from '../contract/rollout.ts';

/** Every flag, with its values; the first is the default. */
export const FLAGS = {
  'event-delivery': {
    values: ['auto', 'log', 'poll'],
    default: 'auto',
    says:
      'auto: hold facts while the log is away. log: never hold. poll: take the log as away, hold ' +
      'every fact and give the log none.',
  },
  'hot-reads': {
    values: ['on', 'off'],
    default: 'on',
    says:
      'on: reads of the form that most clients send are answered in front of the MCP SDK, by the ' +
      'same rules. off: the SDK answers every read.',
  },
  'rte-mode': {
    values: ['events', 'shadow', 'sync'],
    default: 'events',
    says:
      'events: eligibility checks are answered at once, and told of when the payer has answered. ' +
      'shadow: each answer is compared with that of the old interface, which is asked beside. ' +
      'sync: each request is held for its answer, as before.',
  },
  [ROLLOUT_FLAGS.events]: {
    values: ROLLOUT_STEPS,
    default: '0',
    says:
      'How many of a hundred members are told to take events from the gateway and not from Pusher; ' +
      'the same members at each step. 0 takes all of them back.',
  },
  [ROLLOUT_FLAGS.videoVisits]: {
    values: ROLLOUT_STEPS,
    default: '0',
    says: 'The same for the events of video visits.',
  },
} as const;

export type FlagName = keyof typeof FLAGS;
export type ValueOf<N extends FlagName> = (typeof FLAGS)[N]['values'][number];

export function isFlagName(name: string): name is FlagName {
  return Object.hasOwn(FLAGS, name);
}
