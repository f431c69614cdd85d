import { fromJson, type JsonValue, type Message } from '@bufbuild/protobuf';
import { eventOfType } from '../../contract/events/catalog.ts';
import { PUBLISHED_EVENTS, type PublishedEvent } from '../../contract/scopes.ts';
import type { Clock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import { randomId } from '../../kernel/ids.ts';
import type { EventTopics } from '../../twin/ports.ts';
import { actorName } from '../../twin/principals.ts';
import type { Caller } from '../../twin/reader/index.ts';
import type { ChannelLog } from '../ports.ts';
import { routed } from './mapped.ts';

/** What a producer without Kafka says (`POST /v1/events`). */
export interface EventSubmission {
  readonly type: PublishedEvent;
  readonly member: string;
  /** The producer's own; the same id again has no second effect. */
  readonly id?: string | undefined;
  /** ISO 8601; default now. */
  readonly time?: string | undefined;
  /** The event's own fields, as JSON of Protocol Buffers; `data` of a call as the apps get it. */
  readonly data: Readonly<Record<string, unknown>>;
}

export interface EventsDesk {
  /** Resolves once the log has it. @throws Fault INSUFFICIENT_SCOPE, NOT_FOUND, INVALID_ARGUMENT */
  publish(caller: Caller, submission: EventSubmission): Promise<{ readonly id: string }>;
}

export interface EventsDeskParts {
  /** Absent with embedded parts: then the channel log is all that there is. */
  readonly topics: Pick<EventTopics, 'publish'> | undefined;
  readonly log: Pick<ChannelLog, 'append'>;
  readonly memberTenant: (member: string) => string | undefined;
  readonly clock: Clock;
}

/** Fields that are ours to fill: where a fact stands, only the log says. */
const OURS = ['header', 'provenance', 'member', 'position'];

/** Events from producers without Kafka: to the log, and nothing else. */
export function createEventsDesk(parts: EventsDeskParts): EventsDesk {
  return {
    async publish(caller, submission) {
      const { type, member } = submission;
      const scope = `events:publish:${type}`;
      const { principal } = caller;
      if (!principal.scopes.has(scope)) {
        throw new Fault('INSUFFICIENT_SCOPE', { data: { scopes: [scope] } });
      }
      if (parts.memberTenant(member) !== principal.tenant) throw new Fault('NOT_FOUND');
      const id = submission.id ?? randomId();
      const message = messageOf(parts, caller, { ...submission, id });
      if (parts.topics !== undefined) await parts.topics.publish(type, member, message);
      else await appendTo(parts.log, type, message, id);
      return { id };
    },
  };
}

async function appendTo(
  log: Pick<ChannelLog, 'append'>,
  type: string,
  message: Message,
  id: string,
): Promise<void> {
  const found = routed(type, message);
  if (found === undefined) throw wrong('names nobody whom it concerns');
  for (const stream of found.streams) await log.append(stream, found.event, [id]);
}

function messageOf(
  { clock }: EventsDeskParts,
  { principal, correlationId }: Caller,
  { type, member, id, time, data }: EventSubmission & { readonly id: string },
): Message {
  const schema = eventOfType(type)?.schema;
  if (schema === undefined) throw wrong('has no such type');
  if (OURS.some((field) => field in data)) throw wrong(`sets none of ${OURS.join(', ')}`);
  const now = new Date(clock.now()).toISOString();
  const { tenant, clientId } = principal;
  const header = { id, type, tenant, member, time: time ?? now, correlationId, schemaVersion: 1 };
  const provenance = { source: clientId, actor: actorName(principal), recorded: now };
  const said = type.startsWith('call.') ? withBytes(data) : data;
  try {
    return fromJson(schema, { ...said, header, provenance, member } as JsonValue);
  } catch {
    // The library's words would repeat what was sent.
    throw wrong('has a field that is unknown or of another form');
  }
}

/** What the apps get is said as text, or as JSON that is then said as text. */
function withBytes({ data, ...others }: EventSubmission['data']): object {
  if (data === undefined) return others;
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  return { ...others, data: Buffer.from(text).toString('base64') };
}

function wrong(how: string): Fault {
  return new Fault('INVALID_ARGUMENT', {
    detail: `The event ${how}; types are ${PUBLISHED_EVENTS.join(', ')}.`,
  });
}
