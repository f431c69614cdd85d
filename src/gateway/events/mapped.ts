import { type DescMessage, type Message, toJson } from '@bufbuild/protobuf';
import type { Variant } from '../../contract/documents.ts';
import { eventOfType } from '../../contract/events/catalog.ts';
import type { WsTopic } from '../../contract/frames.ts';
import { isId, parseUri, SESSION_PATTERN, type Section } from '../../contract/uris.ts';
import { randomId } from '../../kernel/ids.ts';
import { isObject, type JsonObject } from '../../kernel/json.ts';
import type { ViewChange } from '../../twin/ports.ts';
import type { GatewayEvent, StreamName } from '../ports.ts';

/** An event with the streams that it belongs to. */
export interface Routed {
  readonly streams: readonly StreamName[];
  readonly event: GatewayEvent;
}

interface Route {
  readonly topic: WsTopic;
  /** What of the member a receiver has to be able to read; `session`: the session itself. */
  readonly needs: Section | 'session' | 'uri';
}

/** By topic of the log, those that the gateway carries (design §6). */
const ROUTES: Readonly<Record<string, Route>> = {
  'twins.resource-events': { topic: 'twins', needs: 'uri' },
  'rte-completion': { topic: 'rte-completion', needs: 'coverage' },
  'call-notifications': { topic: 'call-notifications', needs: 'care' },
  'sessions.session.lifecycle': { topic: 'session-events', needs: 'session' },
  'sessions.service-request.created': { topic: 'session-events', needs: 'care' },
  'sessions.service-request.updated': { topic: 'session-events', needs: 'care' },
  'sessions.task.created': { topic: 'session-events', needs: 'care' },
  'sessions.task.updated': { topic: 'session-events', needs: 'care' },
  'sessions.task.completed': { topic: 'session-events', needs: 'care' },
  'sessions.coverage.updated': { topic: 'session-events', needs: 'coverage' },
  'sessions.care.updated': { topic: 'session-events', needs: 'care' },
};

/** Topics of the log that the gateway's consumer group reads. */
export const GATEWAY_TOPICS = Object.keys(ROUTES);

/** Sections behind a client topic: whoever may read none of them has nothing to subscribe to. */
export const SECTIONS_OF: Readonly<Record<WsTopic, readonly Section[]>> = {
  twins: ['profile', 'coverage', 'care', 'clinical', 'financial'],
  'rte-completion': ['coverage'],
  'call-notifications': ['care'],
  'session-events': ['care', 'coverage'],
  presence: ['profile'],
};

const VARIANTS: Readonly<Record<string, Variant>> = {
  VARIANT_GENERAL: 'general',
  VARIANT_FULL: 'full',
};

/** Fields that stand in the event itself, not in its `data`. */
const OWN_FIELDS = new Set(['header', 'provenance', 'uri', 'variant', 'position']);

/** An event of the log; `undefined` for one that concerns nobody who is connected. */
export function routed(type: string, message: Message): Routed | undefined {
  const kind = eventOfType(type);
  const route = kind?.topic === undefined ? undefined : ROUTES[kind.topic];
  if (kind === undefined || route === undefined) return undefined;
  const json = toJson(kind.schema as DescMessage, message) as JsonObject;
  const header = object(json.header);
  const { id, tenant, time } = header;
  if (!text(id) || !text(tenant) || !text(time)) return undefined;
  const member = idOf(json.member) ?? idOf(header.member);
  const session =
    text(json.session) && SESSION_PATTERN.test(json.session) ? json.session : undefined;
  const uri = uriOf(json, route);
  const needs = needsOf(route, { member, session, uri });
  if (needs === undefined) return undefined;
  const streams = streamsOf(route, member, session);
  const event = {
    ...{ id, type, topic: route.topic, tenant, time, needs },
    ...defined({ member, session, uri, account: nonEmpty(json.accountId) }),
    ...defined({ source: nonEmpty(object(json.provenance).source), validUntil: json.validUntil }),
    ...defined({ variant: VARIANTS[String(json.variant)], etag: nonEmpty(json.etag) }),
    ...defined({ place: placeOf(object(json.position)) }),
    ...defined(saidBy(json, kind.topic === 'call-notifications')),
  } as GatewayEvent;
  return { streams, event };
}

/** A change that this process has applied: with embedded parts nobody else says so. */
export function changeRouted(change: ViewChange, epoch: string): Routed | undefined {
  const { uri, tenant, subject, variant, etag, kind, place, at } = change;
  if (subject.kind === 'practitioner') return undefined;
  const of = subject.kind === 'member' ? { member: subject.id } : { session: subject.id };
  const created = kind === 'created' ? 'twins.resource-created' : 'twins.resource-updated';
  const { partition, offset } = place;
  return {
    streams: [`${subject.kind}:${subject.id}`],
    event: {
      // Made of nothing: what it is of, its variant above all, is not a receiver's to know.
      id: randomId(),
      type: created,
      topic: subject.kind === 'member' ? 'twins' : 'session-events',
      ...{ tenant, ...of, uri, needs: uri, variant, source: 'view' },
      ...(etag !== '' && { etag }),
      place: { epoch, partition, offset },
      time: new Date(at).toISOString(),
      data: {
        ...of,
        ...(etag !== '' && { etag }),
        ...(kind === 'deleted' && { deleted: true }),
      },
    },
  };
}

function streamsOf(
  { needs }: Route,
  member: string | undefined,
  session: string | undefined,
): StreamName[] {
  const own = needs === 'session' && session !== undefined ? [`session:${session}`] : [];
  return [...(member === undefined ? [] : [`member:${member}`]), ...own];
}

function uriOf({ uri, document }: JsonObject, { needs }: Route): string | undefined {
  const named = needs === 'uri' ? uri : document;
  return text(named) && parseUri(named) !== null ? named : undefined;
}

function needsOf(
  { needs }: Route,
  of: { member: string | undefined; session: string | undefined; uri: string | undefined },
): string | undefined {
  if (needs === 'uri') return of.uri;
  if (needs === 'session') return of.session && `mcp://sessions/${of.session}`;
  return of.member && `mcp://twins/member/${of.member}/${needs}`;
}

/** What the event says besides; what a backend said for the apps as it said it. */
function saidBy(json: JsonObject, isCall: boolean): Pick<GatewayEvent, 'data' | 'raw'> {
  const raw = isCall && text(json.data) ? Buffer.from(json.data, 'base64').toString('utf8') : '';
  const fields = Object.entries(json).filter(([name]) => !OWN_FIELDS.has(name) && name !== 'data');
  const data = Object.fromEntries(raw === '' ? fields : [...fields, ['data', raw]]);
  return {
    ...(Object.keys(data).length > 0 && { data }),
    ...(raw !== '' && { raw }),
  };
}

function placeOf({ epoch, partition = 0, offset = '0' }: JsonObject): GatewayEvent['place'] {
  if (!text(epoch)) return undefined;
  return { epoch, partition: Number(partition), offset: Number(offset) };
}

function object(value: unknown): JsonObject {
  return isObject(value) ? (value as JsonObject) : {};
}

function text(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function nonEmpty(value: unknown): string | undefined {
  return text(value) ? value : undefined;
}

function idOf(value: unknown): string | undefined {
  return text(value) && isId(value) ? value : undefined;
}

function defined(fields: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
