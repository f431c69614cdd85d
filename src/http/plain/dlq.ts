import type { Express, Request } from 'express';
import { Fault } from '../../kernel/errors.ts';
import type { DeadLetters } from '../../twin/ports.ts';
import type { Caller } from '../../twin/reader/index.ts';
import type { HttpParts } from '../parts.ts';
import { sendJson } from '../respond.ts';
import { requireAdmin } from './admins.ts';
import type { Guarded } from './guarded.ts';
import { queryOf } from './query.ts';

const ID = /^[a-z2-7]{26}$/;
const TOPIC = /^[a-z][a-z0-9.-]{0,99}$/;
const WHY = 'scope admin, admin of the organization';

/**
 * What consumers could not handle: for admins of the caller's organization with the scope `admin`.
 * A letter is shown only once the audit says so.
 */
export function deadLetterRoutes(app: Express, parts: HttpParts, guarded: Guarded): void {
  app.get(
    '/v1/dlq',
    guarded('dead-letters', async (req, res, caller) => {
      const { topic } = queryOf(req, ['topic']);
      if (topic !== undefined && !TOPIC.test(topic)) throw noSuchTopic();
      await requireAdmin(parts, caller, []);
      sendJson(res, 200, await deskOf(parts).list(caller.principal.tenant, topic));
    }),
  );
  app.get(
    '/v1/dlq/:id',
    guarded('dead-letters', async (req, res, caller) => {
      queryOf(req, []);
      const id = idOf(req);
      await requireAdmin(parts, caller, []);
      const shown = await deskOf(parts).show(caller.principal.tenant, id);
      await audited(parts, caller, id, 'success', WHY);
      sendJson(res, 200, shown);
    }),
  );
  for (const [path, outcome] of [
    ['retry', 'retried'],
    ['discard', 'discarded'],
  ] as const) {
    app.post(
      `/v1/dlq/:id/${path}`,
      guarded('dead-letters', async (req, res, caller) => {
        queryOf(req, []);
        const id = idOf(req);
        await requireAdmin(parts, caller, []);
        try {
          await deskOf(parts).settle(caller.principal.tenant, id, outcome);
        } catch (error) {
          await audited(parts, caller, id, 'failed', `${path}: ${WHY}`);
          throw error;
        }
        await audited(parts, caller, id, 'success', `${path}: ${WHY}`);
        sendJson(res, 200, { id, outcome });
      }),
    );
  }
}

/** @throws Fault NOT_FOUND where no Kafka is */
function deskOf({ deadLetters }: HttpParts): DeadLetters {
  if (deadLetters !== undefined) return deadLetters;
  throw new Fault('NOT_FOUND', { detail: 'This server has no Kafka, so it has no dead letters.' });
}

async function audited(
  { audit }: HttpParts,
  caller: Caller,
  id: string,
  outcome: 'success' | 'failed',
  why: string,
): Promise<void> {
  await audit.append({
    ...{ action: 'dead-letter', outcome, ...caller, why },
    what: [{ uri: `dead-letter:${id}` }],
  });
}

function idOf(req: Request): string {
  const { id } = req.params;
  if (typeof id === 'string' && ID.test(id)) return id;
  throw new Fault('NOT_FOUND', { detail: 'There is no such dead letter.' });
}

function noSuchTopic(): Fault {
  return new Fault('INVALID_ARGUMENT', { detail: 'No such topic has dead letters.' });
}
