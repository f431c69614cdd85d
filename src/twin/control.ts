import type { SourceRecord, Subject } from './ports.ts';

/**
 * Records of our own that stand beside a member's records in the log, and are no records of a
 * member: no document, search row, count, time or etag comes of them. The log carries them, so every
 * instance knows them, they survive a restart, and a backup has them.
 */

/** While it is live nothing of the member is forgotten, whoever asks (Federal Rules 37(e)). */
export const LEGAL_HOLD = { type: 'LegalHold', id: 'hold' } as const;

/** That a member was forgotten: while it is live, nothing about them is taken in again. */
export const FORGOTTEN = { type: 'Forgotten', id: 'forgotten' } as const;

/**
 * That somebody opened the member's record in an emergency, that it ended, and what the review came
 * to: a record each, so that two who write at once overwrite nothing (twin/break-glass.ts).
 */
export const BREAK_GLASS = 'BreakGlass';

const CONTROL_TYPES: ReadonlySet<string> = new Set([
  ...['TimePassed', LEGAL_HOLD.type, FORGOTTEN.type, BREAK_GLASS],
]);

/** Whether a record says something about a member's records rather than of the member. */
export function isControl(type: string): boolean {
  return CONTROL_TYPES.has(type);
}

/** A member's control record, or its withdrawal, as it is submitted. */
export function controlRecord(
  of: typeof LEGAL_HOLD | typeof FORGOTTEN,
  { tenant, member, says, actor, eventId }: ControlSaid,
): Omit<SourceRecord, 'provenance'> & { provenance: { source: string; actor: string } } {
  const subject: Subject = { kind: 'member', id: member };
  return {
    ...{ tenant, subject, type: of.type, id: of.id, names: {}, eventId },
    resource: says === null ? null : { resourceType: of.type, id: of.id, ...says },
    provenance: { source: KEEPER, actor },
  };
}

export interface ControlSaid {
  readonly tenant: string;
  readonly member: string;
  /** `null` withdraws it. Opaque ids, dates and an operator's own words alone. */
  readonly says: Readonly<Record<string, string>> | null;
  readonly actor: string;
  readonly eventId: string;
}

/** Source system of what operators say about keeping and letting go. */
const KEEPER = 'keeping';
