import type { BreakGlassCase, BreakGlassReview, ReviewOutcome } from '../contract/break-glass.ts';
import { BREAK_GLASS } from './control.ts';
import { objectOf, stringOf } from './fhir/elements.ts';
import type { RelationChange, SourceRecord, View } from './ports.ts';

/** A case without the moment from which it is looked at. */
export type Kept = Omit<BreakGlassCase, 'state'> & { readonly tenant: string };

type Said = Readonly<Record<string, string>>;
type Submitted = Omit<SourceRecord, 'provenance'> & {
  readonly provenance: { readonly source: string; readonly actor: string };
};

/** What happened to a case: each is written once, as a control record of its member. */
export type CaseStep = 'opened' | 'ended' | 'reviewed';

const SOURCE = 'break-glass';
const REVIEW_SUFFIX = '-reviewed';
const END_SUFFIX = '-ended';
const SUFFIX: Readonly<Record<CaseStep, string>> = {
  ...{ opened: '', ended: END_SUFFIX, reviewed: REVIEW_SUFFIX },
};

/** The record of a step, as it is submitted. @param of ids, dates, codes, and the person's words */
export function stepRecord(
  step: CaseStep,
  of: { readonly tenant: string; readonly member: string; readonly id: string },
  says: Said,
  actor: string,
): Submitted {
  const id = `${of.id}${SUFFIX[step]}`;
  return {
    tenant: of.tenant,
    subject: { kind: 'member', id: of.member },
    ...{ type: BREAK_GLASS, id, names: {}, eventId: `${SOURCE}-${id}` },
    resource: { resourceType: BREAK_GLASS, id, ...says },
    provenance: { source: SOURCE, actor },
  };
}

/** What withdraws a case from the log: its records, the opening last. */
export function goneRecords({ tenant, member, id, ended, review }: Kept): Submitted[] {
  const steps: readonly CaseStep[] = [
    ...(review === undefined ? [] : (['reviewed'] as const)),
    ...(ended === undefined ? [] : (['ended'] as const)),
    'opened',
  ];
  return steps.map((step) => {
    const record = stepRecord(step, { tenant, member, id }, {}, 'system:retention');
    return { ...record, resource: null, eventId: `${record.eventId}-gone` };
  });
}

/** All cases that this instance's view knows, or those of one member; newest first. */
export function casesIn(view: Pick<View, 'shards'>, member?: string): Kept[] {
  const subject = member === undefined ? undefined : ({ kind: 'member', id: member } as const);
  return casesOf(view.shards().flatMap((shard) => shard.controls(BREAK_GLASS, subject)));
}

/** The cases of one member, where their partition is known. */
export function casesAbout(view: Pick<View, 'for' | 'partitionOf'>, member: string): Kept[] {
  const subject = { kind: 'member', id: member } as const;
  return casesOf(view.for(view.partitionOf(subject)).controls(BREAK_GLASS, subject));
}

function casesOf(records: readonly SourceRecord[]): Kept[] {
  const byId = new Map(records.map((record) => [`${record.subject.id}/${record.id}`, record]));
  return records
    .filter(({ id }) => !id.endsWith(END_SUFFIX) && !id.endsWith(REVIEW_SUFFIX))
    .map((opened) => {
      const said = (suffix: string): SourceRecord | undefined =>
        byId.get(`${opened.subject.id}/${opened.id}${suffix}`);
      return keptOf(opened, said(END_SUFFIX), said(REVIEW_SUFFIX));
    })
    .sort(newestFirst);
}

function keptOf(
  { tenant, subject, id, resource }: SourceRecord,
  ended: SourceRecord | undefined,
  reviewed: SourceRecord | undefined,
): Kept {
  const said = textsIn(resource);
  const end = ended && textsIn(ended.resource);
  const review = reviewed && reviewOf(textsIn(reviewed.resource));
  return {
    ...{ tenant, id, member: subject.id, until: said('until'), person: said('person') },
    ...{ client: said('client'), reason: said('reason'), text: said('text') },
    opened: said('opened'),
    ...(end && { ended: end('at'), endedBy: end('by') }),
    ...(review && { review }),
  };
}

function reviewOf(said: (name: string) => string): BreakGlassReview {
  const text = said('text');
  const outcome = said('outcome') as ReviewOutcome;
  return { outcome, ...(text !== '' && { text }), by: said('by'), at: said('at') };
}

function textsIn(resource: SourceRecord['resource']): (name: string) => string {
  const object = objectOf(resource ?? {});
  return (name) => stringOf(object[name]) ?? '';
}

function newestFirst(a: Kept, b: Kept): number {
  if (a.opened !== b.opened) return a.opened < b.opened ? 1 : -1;
  return a.id < b.id ? 1 : -1;
}

/** Whether any of the cases in these records has no review yet. */
export function waitsForReview(records: readonly SourceRecord[]): boolean {
  return casesOf(records).some(({ review }) => review === undefined);
}

/** The present state of a case: its own time ends it at the instant, whether or not that was said. */
export function caseAt({ tenant: _, ...of }: Kept, nowMs: number): BreakGlassCase {
  return { ...of, state: isOpen(of, nowMs) ? 'open' : 'ended' };
}

export function isOpen({ until, ended }: Pick<Kept, 'until' | 'ended'>, nowMs: number): boolean {
  return ended === undefined && nowMs < Date.parse(until);
}

/** The right itself, which ends by itself (`schemas/twin.zed`). */
export function emergencyRelation(
  operation: RelationChange['operation'],
  { member, person, until }: Pick<Kept, 'member' | 'person' | 'until'>,
): RelationChange {
  const ends = operation === 'touch' ? { expiresAt: until } : {};
  return {
    operation,
    relationship: {
      resource: { type: 'member', id: member },
      relation: 'emergency',
      subject: { type: 'user', id: person },
      ...ends,
    },
  };
}

/** What is told at once to whoever listens for it: opaque ids and a code, never the words. */
export interface BreakGlassNotice {
  readonly step: CaseStep;
  readonly of: Kept;
  /** ISO 8601: when it happened. */
  readonly at: string;
  /** Who did it; absent where its own time ended it. */
  readonly by?: string;
}
