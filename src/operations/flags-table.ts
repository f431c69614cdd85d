/** Every flag, with its values; the first is the default. */
export const FLAGS = {
  'event-delivery': {
    values: ['auto', 'log', 'poll'],
    default: 'auto',
    says:
      'auto: hold facts while the log is away. log: never hold. poll: take the log as away, hold ' +
      'every fact and give the log none.',
  },
} as const;

export type FlagName = keyof typeof FLAGS;

export function isFlagName(name: string): name is FlagName {
  return Object.hasOwn(FLAGS, name);
}
