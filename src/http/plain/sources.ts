import type { Express } from 'express';
import { Fault } from '../../kernel/errors.ts';
import { randomId } from '../../kernel/ids.ts';
import { LIMITS } from '../../kernel/limits.ts';
import type { BundleSubmission, IntakeReceipt, Place } from '../../twin/ports.ts';
import { actorName } from '../../twin/principals.ts';
import type { Caller } from '../../twin/reader/index.ts';
import { readBody } from '../body.ts';
import type { HttpParts } from '../parts.ts';
import { sendJson } from '../respond.ts';
import type { CallerRoute, Guarded } from './guarded.ts';
import { commandOf } from './preconditions.ts';
import { queryOf, wrong } from './query.ts';

const SOURCE_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const KEY_PATTERN = /^[A-Za-z0-9_-]{8,128}$/;
const JSON_TYPES = ['application/fhir+json', 'application/json'];
const NDJSON_TYPES = ['application/fhir+ndjson', 'application/x-ndjson', 'application/ndjson'];

/**
 * FHIR in. 201 once the log has it; 202 where all of it waits for what it refers to, and `held` where
 * the log is away and only this instance has it; 200 for a dry run. A refusal of the whole names
 * entry and reason, a receipt the entries that were not taken.
 */
export function sourceRoutes(app: Express, parts: HttpParts, guarded: Guarded): void {
  app.post('/v1/sources', guarded('import', post(parts)));
  app.get(
    '/v1/sources/waiting',
    guarded('import', async (req, res, { principal }) => {
      queryOf(req, []);
      sendJson(res, 200, await parts.intake.held(principal.tenant));
    }),
  );
}

function post(parts: HttpParts): CallerRoute {
  return async (req, res, caller) => {
    const query = queryOf(req, ['source', 'tenant', 'dryRun']);
    const { principal } = caller;
    const { source = 'http', tenant = principal.tenant, dryRun = 'false' } = query;
    if (!SOURCE_PATTERN.test(source)) throw wrong('source', `must match ${SOURCE_PATTERN.source}`);
    if (tenant !== principal.tenant) throw wrong('tenant', 'is not the one of the access token');
    if (!['true', 'false'].includes(dryRun)) throw wrong('dryRun', 'must be true or false');
    const eventId = idempotencyKey(req.get('idempotency-key'));
    const body = await readBody(req, [...JSON_TYPES, ...NDJSON_TYPES], LIMITS.bundleBytesMax);
    const { json, conditional } = commandOf(body, {
      ifMatch: req.get('if-match'),
      ifNoneMatch: req.get('if-none-match'),
    });
    const submission: BundleSubmission = {
      tenant,
      source,
      actor: actorName(principal),
      eventId,
      json,
      format: isNdjson(req.get('content-type')) ? 'ndjson' : 'json',
      dryRun: dryRun === 'true',
      conditional,
    };
    const outcome = await parts.intake.submitBundle(submission);
    if ('held' in outcome) {
      await audited(parts, caller, [], 'held until the log is back');
      return sendJson(res, 202, outcome);
    }
    const { places, ...receipt } = outcome;
    if (submission.dryRun) return sendJson(res, 200, { ...receipt, eventId, dryRun: true });
    await audited(parts, caller, receipt.members);
    if (conditional) await applied(parts, places);
    const position = parts.positions.encode({ epoch: parts.view.epoch, places });
    sendJson(res, statusOf(receipt), { ...receipt, position, eventId }, { position });
  };
}

/** Who decides by what was read reads what came of it, here at once, and elsewhere by position. */
async function applied({ view }: HttpParts, places: readonly Place[]): Promise<void> {
  const waits = places.map((place) => view.waitFor(place, LIMITS.readWaitMs));
  // It is decided, whatever keeps this view from having it by now.
  await Promise.allSettled(waits);
}

async function audited(
  { audit }: HttpParts,
  caller: Caller,
  members: IntakeReceipt['members'],
  how?: string,
): Promise<void> {
  await audit.append({
    action: 'import',
    outcome: 'success',
    ...caller,
    what: members.map(({ member }) => ({ uri: `mcp://twins/member/${member}/profile` })),
    why: ['scope sources:write', ...(how === undefined ? [] : [how])].join('; '),
  });
}

function isNdjson(contentType = ''): boolean {
  return NDJSON_TYPES.includes(contentType.split(';')[0]?.trim().toLowerCase() ?? '');
}

/** Nothing of it is in the log yet where all of it waits. */
function statusOf({ waiting, accepted, unchanged, stale, ignored }: Omit<IntakeReceipt, 'places'>) {
  const settled = accepted + unchanged + stale + Object.keys(ignored).length;
  return waiting > 0 && settled === 0 ? 202 : 201;
}

function idempotencyKey(header: string | undefined): string {
  if (header === undefined) return randomId();
  if (KEY_PATTERN.test(header)) return header;
  throw new Fault('INVALID_ARGUMENT', {
    detail: `Idempotency-Key must match ${KEY_PATTERN.source}.`,
  });
}
