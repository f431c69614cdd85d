import { z } from 'zod';
import type { AuditRow, RowReceiver } from '../../contract/audit/row.ts';
import { parseUri } from '../../contract/uris.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { compact, unique } from '../fhir/elements.ts';

const text = z.string().optional();

/** Who saw a member's twin, when, by which right; newest first. Opaque ids alone. */
export const accessLogSchema = z.strictObject({
  entries: z.array(
    z.strictObject({
      when: z.string(),
      who: z.string(),
      /** The agent that acted for `who`. */
      by: text,
      action: z.string(),
      outcome: z.enum(['success', 'denied', 'failed']),
      /** Documents of this member, without the part of the URI that they share. */
      what: z.array(z.string()),
      right: text,
      purpose: text,
    }),
  ),
  says: z.string(),
  /** Up to when the records of each instance of the server are here; not part of the etag. */
  completeUpTo: z.array(z.strictObject({ instance: z.string(), time: z.string() })),
});

/** Up to when an instance's records are known: ISO 8601. */
export interface Complete {
  readonly instance: string;
  readonly time: string;
}

/** Documents named in one entry at most. */
const WHAT_MAX = 20;

/** @param more whether the trail holds entries before these */
export function accessLogData(
  member: string,
  trail: readonly AuditRow[],
  more: boolean,
): JsonObject {
  const entries = trail.map((row) => entryOf(member, row));
  const says = more
    ? `The newest ${entries.length} entries; older ones are kept for six years and given out by the plan’s privacy officer.`
    : 'Every entry that is kept.';
  return { entries, says: `${says} Who looked at this log shows once the day is over (UTC).` };
}

function entryOf(member: string, row: AuditRow): JsonObject {
  return {
    when: row.at,
    ...whoIn(member, row),
    action: row.action,
    outcome: row.outcome,
    what: unique(row.what.flatMap(({ uri }) => ownPart(member, uri, row.action))).slice(
      0,
      WHAT_MAX,
    ),
    ...compact({ right: rightOf(row.why), purpose: row.who?.purpose }),
  };
}

/** The person and the agent; of a delivery those who were told of this member. */
function whoIn(member: string, row: AuditRow): JsonObject {
  if (row.to !== undefined) return receiversIn(member, row, row.to);
  if (row.who === undefined) return { who: 'nobody who could be verified' };
  const { kind, subject, actor } = row.who;
  return { who: `${kind}:${subject}`, ...compact({ by: actor && `agent:${actor}` }) };
}

/**
 * A delivery is one record for all its receivers: where it was about other members as well and does
 * not say who was told of what, nobody is named.
 */
function receiversIn(member: string, row: AuditRow, to: readonly RowReceiver[]): JsonObject {
  const isOwn = row.what.map(({ uri }) => ownPart(member, uri).length > 0);
  const own = to.filter(({ told }) => told?.some((place) => isOwn[place]) ?? isOwn.every(Boolean));
  if (own.length === 0) return { who: 'subscribers of several members' };
  const by = unique(own.flatMap(({ actor }) => (actor === undefined ? [] : [`agent:${actor}`])));
  return {
    who: unique(own.map(({ kind, subject }) => `${kind}:${subject}`)).join(', '),
    ...(by.length > 0 && { by: by.join(', ') }),
  };
}

/** `clinical/Condition/c1` of this member, `relations` of their relations; nothing of others. */
function ownPart(member: string, uri: string, action = ''): string[] {
  const named = action === 'break-glass' ? 'record' : 'relations';
  if (uri.startsWith('member:')) return uri === `member:${member}` ? [named] : [];
  const parsed = parseUri(uri);
  if (parsed === null || !('member' in parsed) || parsed.member !== member) return [];
  return [uri.slice(`mcp://twins/member/${member}/`.length)];
}

/** The permission without the revision at which it was found, else our own sentence. */
function rightOf(why: string): string {
  return why.replace(/^(\w+) at \S+$/, '$1');
}
