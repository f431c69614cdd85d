import type { Express, Request } from 'express';
import { z } from 'zod';
import type { Operation } from '../../contract/scopes.ts';
import { ID_PATTERN } from '../../contract/uris.ts';
import { Fault } from '../../kernel/errors.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { actorName } from '../../twin/principals.ts';
import type { Caller } from '../../twin/reader/index.ts';
import { memberObject } from '../../twin/subjects.ts';
import { parseJson, readBody } from '../body.ts';
import type { HttpParts } from '../parts.ts';
import { sendJson } from '../respond.ts';
import { requireAdmin } from './admins.ts';
import type { Guarded } from './guarded.ts';
import { queryOf } from './query.ts';

const BODY_BYTES_MAX = 16 * 1024;
const WHY = 'scope admin, admin of the organization';
const member = z.string().regex(ID_PATTERN);
/** An operator's words: one printable line. */
const reason = z
  .string()
  .min(3)
  .max(200)
  .regex(/^\P{Cc}+$/u);
const holdBody = z.strictObject({ member, reason });
const releaseBody = holdBody;
const forgetBody = z.strictObject({
  members: z.array(member).min(1).max(LIMITS.forgetMembersMax),
  confirm: z.literal('forget'),
});
const allowBody = z.strictObject({ member });
const retainBody = z.strictObject({ dryRun: z.boolean() });

/**
 * Legal holds, forgetting, retention, backups: for admins of the caller's organization with the
 * scope `admin`, about members of that organization; each is in the audit, refused ones too.
 */
export function keepingRoutes(app: Express, parts: HttpParts, guarded: Guarded): void {
  app.get(
    '/v1/holds',
    guarded('keeping', async (req, res, caller) => {
      queryOf(req, []);
      await requireAdmin(parts, caller, []);
      const { tenant } = caller.principal;
      await audited(parts, caller, 'list holds', [`organization:${tenant}`], async () => undefined);
      sendJson(res, 200, { holds: parts.keeping.keeper.holds(tenant) });
    }),
  );
  post('/v1/holds', holdBody, '{ "member": "…", "reason": "case 7" }', async (caller, body) => {
    const work = () => parts.keeping.keeper.hold(byOf(caller), body.member, body.reason);
    return await about(caller, 'hold', [body.member], work);
  });
  post(
    '/v1/holds/release',
    releaseBody,
    '{ "member": "…", "reason": "case closed" }',
    async (caller, body) => {
      const work = () => parts.keeping.keeper.release(byOf(caller), body.member);
      await about(caller, 'release hold', [body.member], work);
      return { released: body.member };
    },
  );
  post(
    '/v1/forget',
    forgetBody,
    `{ "members": ["…"], "confirm": "forget" }, ${LIMITS.forgetMembersMax} members at most`,
    async (caller, body) => {
      const members = [...new Set(body.members)];
      return await about(caller, 'forget', members, () =>
        parts.keeping.keeper.forget(byOf(caller), members),
      );
    },
  );
  post('/v1/forget/allow', allowBody, '{ "member": "…" }', async (caller, body) => {
    const work = () => parts.keeping.keeper.allowAgain(byOf(caller), body.member);
    await about(caller, 'allow again', [body.member], work);
    return { allowed: body.member };
  });
  post('/v1/retention', retainBody, '{ "dryRun": true }', async (caller, { dryRun }) => {
    const { tenant } = caller.principal;
    await requireAdmin(parts, caller, []);
    const does = dryRun ? 'retain, dry run' : 'retain';
    const what = [`organization:${tenant}`];
    return await audited(parts, caller, does, what, () => parts.keeping.retain(tenant, dryRun));
  });
  post('/v1/backups', z.strictObject({}), '{}', async (caller) => {
    await requireAdmin(parts, caller, []);
    const what = [`organization:${caller.principal.tenant}`];
    return await audited(parts, caller, 'backup', what, () => parts.keeping.backup());
  });

  async function about<T>(
    caller: Caller,
    does: string,
    members: readonly string[],
    work: () => Promise<T>,
  ): Promise<T> {
    await requireAdmin(parts, caller, members.map(memberObject));
    const what = members.map((id) => `member:${id}`);
    return await audited(parts, caller, does, what, work);
  }

  function post<T>(
    path: string,
    schema: z.ZodType<T>,
    example: string,
    route: (caller: Caller, body: T) => Promise<unknown>,
    operation: Operation = 'keeping',
  ): void {
    app.post(
      path,
      guarded(operation, async (req, res, caller) => {
        queryOf(req, []);
        const body = await bodyOf(req, schema, example);
        sendJson(res, 200, await route(caller, body));
      }),
    );
  }
}

/** The audit has it before it is done, and again with what became of it. */
async function audited<T>(
  { audit }: HttpParts,
  caller: Caller,
  does: string,
  what: readonly string[],
  work: () => Promise<T>,
): Promise<T> {
  const of = {
    ...({ action: 'configuration', ...caller } as const),
    what: what.map((uri) => ({ uri })),
  };
  await audit.append({ ...of, outcome: 'success', why: `asked: ${does}; ${WHY}` });
  try {
    const result = await work();
    await audit.append({ ...of, outcome: 'success', why: `done: ${does}; ${WHY}` });
    return result;
  } catch (error) {
    await audit.append({ ...of, outcome: 'failed', why: `failed: ${does}; ${WHY}` });
    throw error;
  }
}

function byOf({ principal }: Caller) {
  return { tenant: principal.tenant, actor: actorName(principal) };
}

async function bodyOf<T>(req: Request, schema: z.ZodType<T>, example: string): Promise<T> {
  const body = parseJson(await readBody(req, ['application/json'], BODY_BYTES_MAX));
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new Fault('INVALID_ARGUMENT', { detail: `Send ${example}.` });
}
