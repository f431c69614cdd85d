import type { Express } from 'express';
import { z } from 'zod';
import { Fault } from '../../kernel/errors.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { actorName } from '../../twin/principals.ts';
import { parseJson, readBody } from '../body.ts';
import type { HttpParts } from '../parts.ts';
import { sendJson } from '../respond.ts';
import { requireAdmin } from './admins.ts';
import { explained, requireExplainer } from './explain.ts';
import type { Guarded } from './guarded.ts';
import { queryOf, required } from './query.ts';

const relationsBody = z.strictObject({
  changes: z
    .array(
      z.strictObject({
        operation: z.enum(['touch', 'delete']),
        relationship: z.string().max(1024),
      }),
    )
    .min(1)
    .max(500),
});

/** Who is who, relations, explanations. */
export function operatorRoutes(app: Express, parts: HttpParts, guarded: Guarded): void {
  app.get(
    '/v1/members',
    guarded('find-members', async (req, res, caller) => {
      const text = required(queryOf(req, ['text']), 'text');
      sendJson(res, 200, { members: await parts.reader.findPeople(caller, text) });
    }),
  );
  app.post(
    '/v1/relations',
    guarded('relations', async (req, res, caller) => {
      const body = parseJson(await readBody(req, ['application/json'], LIMITS.requestBodyBytesMax));
      const changes = relationsOf(parts, body);
      const actor = actorName(caller.principal);
      const objects = changes.map(({ relationship }) => relationship.resource);
      await requireAdmin(parts, caller, objects);
      const record = {
        action: 'relations',
        ...caller,
        what: changes.map(({ relationship: { resource } }) => ({
          uri: `${resource.type}:${resource.id}`,
        })),
        why: 'scope relations:write',
      } as const;
      try {
        const written = await parts.relations.write(changes, actor);
        await parts.audit.append({ ...record, outcome: 'success' });
        sendJson(res, 200, written);
      } catch (error) {
        await parts.audit.append({ ...record, outcome: 'failed' });
        throw error;
      }
    }),
  );
  app.get(
    '/v1/relations',
    guarded('relations', async (req, res, caller) => {
      const query = queryOf(req, ['type', 'id', 'relation']);
      const { id, relation } = query;
      const filter = {
        type: required(query, 'type'),
        ...(id !== undefined && { id }),
        ...(relation !== undefined && { relation }),
      };
      await requireAdmin(parts, caller, []);
      const found = await parts.relations.list(filter);
      const relationships = found.filter((text) =>
        parts.ofTenant(caller.principal.tenant, parts.relations.parse(text).resource),
      );
      sendJson(res, 200, { relationships });
    }),
  );
  app.get(
    '/v1/explain',
    guarded('explain', async (req, res, caller) => {
      const query = queryOf(req, ['subject', 'permission', 'object', 'agent', 'purpose', 'scope']);
      const asked = [query.subject, query.permission, query.object];
      const [subject, permission, object] = asked.map((value) => value ?? '');
      if (!subject || !permission || !object) {
        throw new Fault('INVALID_ARGUMENT', { detail: 'Give subject, permission and object.' });
      }
      const [type = '', id = ''] = object.split(':');
      await requireExplainer(parts, caller, { type, id });
      sendJson(res, 200, await explained(parts, caller, { subject, permission, object }, query));
    }),
  );
}

function relationsOf({ relations }: HttpParts, body: unknown) {
  const parsed = relationsBody.safeParse(body);
  if (!parsed.success) {
    throw new Fault('INVALID_ARGUMENT', {
      detail:
        'Send { "changes": [{ "operation": "touch" or "delete", "relationship": ' +
        '"member:demo-ana#self@user:ana" }] }.',
    });
  }
  return parsed.data.changes.map(({ operation, relationship }) => ({
    operation,
    relationship: relations.parse(relationship),
  }));
}
