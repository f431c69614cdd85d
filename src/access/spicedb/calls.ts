/** The calls of `Engine` over any client of authzed.api.v1: the library's, or a network's. */

import { v1 } from '@authzed/authzed-node';
import type { RelationChange, Relationship } from '../../twin/ports.ts';
import type {
  CheckAnswers,
  CheckQuery,
  Consistency,
  LookupPage,
  LookupQuery,
  Precondition,
  RelationFilter,
  WatchListener,
} from './engine.ts';
import { unescapeId } from './ids.ts';
import {
  fromRelationship,
  fromUpdate,
  toConsistency,
  toFilter,
  toLookup,
  toObject,
  toPrecondition,
  toSubject,
  toUpdate,
} from './wire.ts';

type Client = v1.ZedClientInterface;

export async function check(
  client: Client,
  items: readonly CheckQuery[],
  consistency: Consistency,
): Promise<CheckAnswers> {
  const response = await client.promises.checkBulkPermissions(
    v1.CheckBulkPermissionsRequest.create({
      consistency: toConsistency(consistency),
      items: items.map((item) => ({
        resource: toObject(item.object),
        permission: item.permission,
        subject: toSubject(item.subject),
      })),
    }),
  );
  // Matched by what was asked, so that an answer in another order cannot allow another's question.
  const granted = new Set<string>();
  for (const { request, response: answer } of response.pairs) {
    if (request === undefined || answer.oneofKind !== 'item') continue;
    if (answer.item.permissionship !== HAS_PERMISSION) continue;
    granted.add(questionKey(request));
  }
  const allowed = items.map((item) =>
    granted.has(
      questionKey({
        resource: toObject(item.object),
        permission: item.permission,
        subject: toSubject(item.subject),
      }),
    ),
  );
  return { allowed, zedToken: tokenOf(response.checkedAt) };
}

/** The only answer that allows; CONDITIONAL_PERMISSION does not. */
const HAS_PERMISSION = v1.CheckPermissionResponse_Permissionship.HAS_PERMISSION;

function questionKey(item: v1.CheckBulkPermissionsRequestItem): string {
  const { resource, subject } = item;
  return [
    resource?.objectType,
    resource?.objectId,
    item.permission,
    subject?.object?.objectType,
    subject?.object?.objectId,
  ].join(' ');
}

export async function lookupResources(
  client: Client,
  query: LookupQuery,
  consistency: Consistency,
): Promise<LookupPage> {
  const found = await client.promises.lookupResources(toLookup(query, consistency));
  const sure = v1.LookupPermissionship.HAS_PERMISSION;
  const cursor = found.at(-1)?.afterResultCursor?.token;
  return {
    ids: found
      .filter((row) => row.permissionship === sure)
      .map((row) => unescapeId(row.resourceObjectId)),
    ...(found.length >= query.limit && cursor !== undefined && { cursor }),
  };
}

export async function write(
  client: Client,
  changes: readonly RelationChange[],
  preconditions: readonly Precondition[],
): Promise<string> {
  const response = await client.promises.writeRelationships(
    v1.WriteRelationshipsRequest.create({
      updates: changes.map(toUpdate),
      optionalPreconditions: preconditions.map(toPrecondition),
    }),
  );
  return tokenOf(response.writtenAt);
}

export async function read(client: Client, filter: RelationFilter): Promise<Relationship[]> {
  const rows = await client.promises.readRelationships(
    v1.ReadRelationshipsRequest.create({
      consistency: toConsistency({ kind: 'full' }),
      relationshipFilter: toFilter(filter),
    }),
  );
  return rows.flatMap((row) => (row.relationship ? [fromRelationship(row.relationship)] : []));
}

export function watch(client: Client, listener: WatchListener, from?: string) {
  const request = from === undefined ? {} : { optionalStartCursor: { token: from } };
  // The client gives every call 30 seconds unless it names its own deadline; Watch has no end.
  const stream = client.watch(v1.WatchRequest.create(request), {
    deadline: Number.POSITIVE_INFINITY,
  });
  let open = true;
  const end = (error: Error): void => {
    if (open) listener.onEnd(error);
    open = false;
  };
  stream.on('data', (response: v1.WatchResponse) => {
    if (!open) return;
    const changes = response.updates.flatMap((update) => fromUpdate(update) ?? []);
    listener.onUpdate({ changes, zedToken: tokenOf(response.changesThrough) });
  });
  stream.on('error', end);
  stream.on('end', () => end(new Error('SpiceDB ended the Watch stream')));
  return {
    cancel() {
      open = false;
      stream.cancel();
    },
  };
}

function tokenOf(token: v1.ZedToken | undefined): string {
  if (token === undefined || token.token === '') throw new Error('SpiceDB answered no ZedToken');
  return token.token;
}
