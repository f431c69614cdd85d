import type { Express } from 'express';
import { Fault } from '../../kernel/errors.ts';
import { randomId } from '../../kernel/ids.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { actorName } from '../../twin/principals.ts';
import { readBody } from '../body.ts';
import type { HttpParts } from '../parts.ts';
import { sendJson } from '../respond.ts';
import type { Guarded } from './guarded.ts';
import { queryOf, wrong } from './query.ts';

const SOURCE_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const KEY_PATTERN = /^[A-Za-z0-9_-]{8,128}$/;
const FHIR_TYPES = ['application/fhir+json', 'application/json'];

/** FHIR in. 201 once the log has the bundle, whole; a refusal names entry and reason. */
export function sourceRoutes(app: Express, parts: HttpParts, guarded: Guarded): void {
  app.post(
    '/v1/sources',
    guarded('import', async (req, res, caller) => {
      const source = queryOf(req, ['source']).source ?? 'http';
      if (!SOURCE_PATTERN.test(source))
        throw wrong('source', `must match ${SOURCE_PATTERN.source}`);
      const json = await readBody(req, FHIR_TYPES, LIMITS.bundleBytesMax);
      const { principal } = caller;
      const eventId = idempotencyKey(req.get('idempotency-key'));
      const actor = actorName(principal);
      const submission = { tenant: principal.tenant, source, actor, eventId, json };
      const { places, ...receipt } = await parts.intake.submitBundle(submission);
      await parts.audit.append({
        action: 'import',
        outcome: 'success',
        ...caller,
        what: receipt.members.map(({ member }) => ({
          uri: `mcp://twins/member/${member}/profile`,
        })),
        why: 'scope sources:write',
      });
      const position = parts.positions.encode({ epoch: parts.view.epoch, places });
      sendJson(res, 201, { ...receipt, position, eventId }, { position });
    }),
  );
}

function idempotencyKey(header: string | undefined): string {
  if (header === undefined) return randomId();
  if (KEY_PATTERN.test(header)) return header;
  throw new Fault('INVALID_ARGUMENT', {
    detail: `Idempotency-Key must match ${KEY_PATTERN.source}.`,
  });
}
