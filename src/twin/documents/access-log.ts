import { z } from 'zod';
import { parseUri } from '../../contract/uris.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { compact, type Element, objectOf, objectsOf, stringOf, unique } from '../fhir/elements.ts';

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
});

/** One audit record as the trail keeps it: FHIR R4 AuditEvent. */
export interface TrailRecord {
  readonly seq: number;
  readonly record: Readonly<Record<string, unknown>>;
}

const OUTCOMES = { '0': 'success', '4': 'denied', '8': 'failed' } as const;
/** Documents named in one entry at most. */
const WHAT_MAX = 20;

/** @param more whether the trail holds entries before these */
export function accessLogData(
  member: string,
  trail: readonly TrailRecord[],
  more: boolean,
): JsonObject {
  const entries = trail.map(({ record }) => entryOf(member, record as JsonObject));
  const says = more
    ? `The newest ${entries.length} entries; older ones are kept for six years and given out by the plan’s privacy officer.`
    : 'Every entry that is kept.';
  return { entries, says };
}

function entryOf(member: string, record: JsonObject): JsonObject {
  const [subtype] = objectsOf(record.subtype);
  const outcome = stringOf(record.outcome) ?? '';
  return {
    when: stringOf(record.recorded) ?? '',
    ...whoIn(member, record),
    action: stringOf(subtype?.code) ?? 'unknown',
    outcome: isOutcome(outcome) ? OUTCOMES[outcome] : 'failed',
    what: unique(urisOf(record).flatMap((uri) => ownPart(member, uri))).slice(0, WHAT_MAX),
    ...compact({ right: rightOf(record.outcomeDesc), purpose: purposeOf(record) }),
  };
}

function isOutcome(code: string): code is keyof typeof OUTCOMES {
  return Object.hasOwn(OUTCOMES, code);
}

/**
 * The person and the agent. A delivery is one record for all its receivers: where it also was about
 * other members it does not say who of them was told of this one, and nobody is named.
 */
function whoIn(member: string, record: JsonObject): JsonObject {
  const agents = objectsOf(record.agent);
  const people = agents.filter((agent) => kindOf(agent) === 'user' || kindOf(agent) === 'agent');
  const others = urisOf(record).some((uri) => ownPart(member, uri).length === 0);
  const delivered = agents.some(({ altId }) => altId !== undefined);
  if (delivered && others) return { who: 'subscribers of several members' };
  const who = unique(people.map((agent) => `${kindOf(agent)}:${idOf(agent)}`));
  const by = unique(agents.filter((agent) => kindOf(agent) === ACTING).map(idOf));
  return {
    who: who.length === 0 ? 'nobody who could be verified' : who.join(', '),
    ...(by.length > 0 && { by: by.map((id) => `agent:${id}`).join(', ') }),
  };
}

const ACTING = 'agent acting for user';

function kindOf({ type }: JsonObject): string {
  return stringOf(objectOf(type).text) ?? '';
}

function idOf({ who }: JsonObject): string {
  return stringOf(objectOf(objectOf(who).identifier).value) ?? '';
}

function urisOf(record: JsonObject): string[] {
  const named = objectsOf(record.entity).flatMap(
    ({ what }) => stringOf(objectOf(objectOf(what).identifier).value) ?? [],
  );
  return named.filter((uri) => uri.startsWith('mcp://') || uri.startsWith('member:'));
}

/** `clinical/Condition/c1` of this member, `relations` of their relations; nothing of others. */
function ownPart(member: string, uri: string): string[] {
  if (uri.startsWith('member:')) return uri === `member:${member}` ? ['relations'] : [];
  const parsed = parseUri(uri);
  if (parsed === null || !('member' in parsed) || parsed.member !== member) return [];
  return [uri.slice(`mcp://twins/member/${member}/`.length)];
}

/** The permission without the revision at which it was found, else our own sentence. */
function rightOf(why: Element): string | undefined {
  const said = stringOf(why);
  return said?.replace(/^(\w+) at \S+$/, '$1');
}

function purposeOf(record: JsonObject): string | undefined {
  const [purpose] = objectsOf(record.purposeOfEvent);
  const [coding] = objectsOf(purpose?.coding);
  return stringOf(coding?.code);
}
