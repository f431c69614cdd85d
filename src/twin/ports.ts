/**
 * What the rooms need of each other, as types. Kafka, SpiceDB's server and Redis stand behind the
 * same ports as the embedded parts; each port's contract suite runs against every implementation.
 */

export type * from './ports/access.ts';
export type * from './ports/audit.ts';
export type * from './ports/checks.ts';
export type * from './ports/dead-letters.ts';
export type * from './ports/events.ts';
export type * from './ports/leadership.ts';
export type * from './ports/log.ts';
export type * from './ports/notifications.ts';
export type * from './ports/records.ts';
export type * from './ports/view.ts';
