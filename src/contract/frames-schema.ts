/** By which rules the gateway takes a message, and JSON Schema (2020-12) of all of them. */

import { z } from 'zod';
import {
  FILTER_BOUNDS,
  FILTER_FIELDS,
  type Filter,
  PROTOCOL_VERSION,
  SUBSCRIPTION_BOUNDS,
  UNRECOVERED,
  WS_TOPICS,
} from './frames.ts';

const TOKEN_CHARS_MAX = 8 * 1024;
const idSchema = z.string().min(1).max(SUBSCRIPTION_BOUNDS.idChars);
const streamSchema = z.string().regex(/^(member|session):[A-Za-z0-9-]{1,64}$/);
const topicSchema = z.enum(WS_TOPICS);
const valueSchema = z.string().max(FILTER_BOUNDS.valueChars);
const fieldSchema = z.enum(FILTER_FIELDS);
const tokenSchema = z.string().min(1).max(TOKEN_CHARS_MAX);

const placeShape = {
  epoch: z.string().min(1).max(40),
  offset: z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER),
};
const seenSchema = z.strictObject({ ...placeShape, position: z.string().max(2_048).optional() });

export const filterSchema: z.ZodType<Filter> = z
  .lazy(() =>
    z.union([
      z.strictObject({ field: fieldSchema, eq: valueSchema }),
      z.strictObject({
        field: fieldSchema,
        in: z.array(valueSchema).min(1).max(FILTER_BOUNDS.values),
      }),
      z.strictObject({ field: fieldSchema, prefix: valueSchema }),
      z.strictObject({ and: z.array(filterSchema).min(1).max(FILTER_BOUNDS.nodes) }),
      z.strictObject({ or: z.array(filterSchema).min(1).max(FILTER_BOUNDS.nodes) }),
      z.strictObject({ not: filterSchema }),
    ]),
  )
  .meta({ id: 'Filter' });

const clientSchemas = {
  hello: z.strictObject({ type: z.literal('hello'), token: tokenSchema }),
  subscribe: z.strictObject({
    type: z.literal('subscribe'),
    id: idSchema,
    topics: z.array(topicSchema).min(1).max(WS_TOPICS.length),
    filters: filterSchema.optional(),
    since: z.union([seenSchema, z.record(streamSchema, seenSchema)]).optional(),
    include: z.literal('document').optional(),
  }),
  unsubscribe: z.strictObject({ type: z.literal('unsubscribe'), id: idSchema }),
  refresh: z.strictObject({ type: z.literal('refresh'), token: tokenSchema }),
  ack: z.strictObject({ type: z.literal('ack'), stream: streamSchema, ...placeShape }),
  ping: z.strictObject({ type: z.literal('ping'), id: idSchema.optional() }),
  presence: z.strictObject({
    type: z.literal('presence'),
    member: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/),
    action: z.enum(['join', 'leave']),
  }),
};

/** What a client may say; whatever is not of this form is refused, and never read in part. */
export const clientMessageSchema = z.discriminatedUnion('type', [
  clientSchemas.hello,
  clientSchemas.subscribe,
  clientSchemas.unsubscribe,
  clientSchemas.refresh,
  clientSchemas.ack,
  clientSchemas.ping,
  clientSchemas.presence,
]);

const startShape = {
  stream: streamSchema,
  recovered: z.boolean(),
  reason: z.enum(UNRECOVERED).optional(),
  position: z.string().optional(),
  changes: z.string().optional(),
  ...placeShape,
};

const serverSchemas = {
  event: z.strictObject({
    id: z.string(),
    type: z.string().regex(/\./),
    topic: topicSchema,
    subscription: idSchema,
    stream: streamSchema,
    ...placeShape,
    uri: z.string().optional(),
    position: z.string().optional(),
    time: z.iso.datetime(),
    data: z.record(z.string(), z.json()).optional(),
    document: z.json().optional(),
    breakGlass: z
      .array(
        z.strictObject({
          member: z.string(),
          id: z.string().optional(),
          reason: z.string().optional(),
          until: z.string().optional(),
        }),
      )
      .optional(),
    documentOmitted: z.literal(true).optional(),
    replayed: z.literal(true).optional(),
    conflated: z.number().int().positive().optional(),
  }),
  welcome: z.strictObject({
    type: z.literal('welcome'),
    protocol: z.literal(PROTOCOL_VERSION),
    connection: z.string(),
    heartbeatMs: z.number().int().positive(),
    tokenExpiresAt: z.iso.datetime(),
  }),
  subscribed: z.strictObject({
    type: z.literal('subscribed'),
    id: idSchema,
    streams: z.array(z.strictObject(startShape)),
  }),
  unsubscribed: z.strictObject({
    type: z.literal('unsubscribed'),
    id: idSchema,
    reason: z.enum(['asked', 'revoked']),
  }),
  gap: z.strictObject({
    type: z.literal('gap'),
    id: idSchema,
    ...startShape,
    recovered: z.literal(false),
  }),
  token_expiring: z.strictObject({ type: z.literal('token_expiring'), at: z.iso.datetime() }),
  refreshed: z.strictObject({ type: z.literal('refreshed'), tokenExpiresAt: z.iso.datetime() }),
  pong: z.strictObject({ type: z.literal('pong'), id: idSchema.optional() }),
  presence: z.strictObject({
    type: z.literal('presence'),
    subscription: idSchema,
    stream: streamSchema,
    event: z.enum(['state', 'member_added', 'member_removed']),
    users: z.array(z.strictObject({ id: z.string(), info: z.json().optional() })),
  }),
  draining: z.strictObject({ type: z.literal('draining'), withinMs: z.number().int() }),
  error: z.strictObject({
    type: z.literal('error'),
    code: z.string(),
    message: z.string(),
    id: idSchema.optional(),
  }),
};

/** What the server says. A client takes what it does not know as nothing. */
export const serverMessageSchema = z.union(Object.values(serverSchemas));

/** JSON Schema of both directions, by the name of the message. */
export function frameSchemas(): {
  readonly client: Readonly<Record<string, unknown>>;
  readonly server: Readonly<Record<string, unknown>>;
} {
  const schemasOf = (schemas: Readonly<Record<string, z.ZodType>>) =>
    Object.fromEntries(
      Object.entries(schemas).map(([name, schema]) => [name, z.toJSONSchema(schema)]),
    );
  return { client: schemasOf(clientSchemas), server: schemasOf(serverSchemas) };
}
