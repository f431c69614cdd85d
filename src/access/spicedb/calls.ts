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

/** What is called: the client's promises, or each with a deadline of its own. */
export interface ZedCalls {
  checkBulkPermissions(
    request: v1.CheckBulkPermissionsRequest,
  ): Promise<v1.CheckBulkPermissionsResponse>;
  lookupResources(request: v1.LookupResourcesRequest): Promise<v1.LookupResourcesResponse[]>;
  writeRelationships(request: v1.WriteRelationshipsRequest): Promise<v1.WriteRelationshipsResponse>;
  readRelationships(request: v1.ReadRelationshipsRequest): Promise<v1.ReadRelationshipsResponse[]>;
}

export async function check(
  calls: ZedCalls,
  items: readonly CheckQuery[],
  consistency: Consistency,
): Promise<CheckAnswers> {
  const response = await calls.checkBulkPermissions(
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
  calls: ZedCalls,
  query: LookupQuery,
  consistency: Consistency,
): Promise<LookupPage> {
  const found = await calls.lookupResources(toLookup(query, consistency));
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
  calls: ZedCalls,
  changes: readonly RelationChange[],
  preconditions: readonly Precondition[],
): Promise<string> {
  const response = await calls.writeRelationships(
    v1.WriteRelationshipsRequest.create({
      updates: changes.map(toUpdate),
      optionalPreconditions: preconditions.map(toPrecondition),
    }),
  );
  return tokenOf(response.writtenAt);
}

export async function read(calls: ZedCalls, filter: RelationFilter): Promise<Relationship[]> {
  const rows = await calls.readRelationships(
    v1.ReadRelationshipsRequest.create({
      consistency: toConsistency({ kind: 'full' }),
      relationshipFilter: toFilter(filter),
    }),
  );
  return rows.flatMap((row) => (row.relationship ? [fromRelationship(row.relationship)] : []));
}

export interface WatchFrom {
  /** After this revision; else from now on. */
  readonly zedToken?: string;
  /** Object types to be told of; else all. */
  readonly types?: readonly string[];
}

export function watch(
  client: Pick<v1.ZedClientInterface, 'watch'>,
  listener: WatchListener,
  { zedToken, types = [] }: WatchFrom = {},
) {
  const request = v1.WatchRequest.create({
    optionalObjectTypes: [...types],
    ...(zedToken !== undefined && { optionalStartCursor: { token: zedToken } }),
  });
  // The client gives every call 30 seconds unless it names its own deadline; Watch has no end.
  const stream = client.watch(request, { deadline: Number.POSITIVE_INFINITY });
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
