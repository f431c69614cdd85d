import type { Express } from 'express';
import { z } from 'zod';
import { TRUSTS, type TrustedAgent } from '../../contract/agents.ts';
import { Fault } from '../../kernel/errors.ts';
import { actorName, clientsOf } from '../../twin/principals.ts';
import type { Caller } from '../../twin/reader/index.ts';
import { parseJson, readBody } from '../body.ts';
import type { HttpParts } from '../parts.ts';
import { sendJson } from '../respond.ts';
import { requireAdmin } from './admins.ts';
import type { Guarded } from './guarded.ts';
import { queryOf, wrong } from './query.ts';

const BODY_BYTES_MAX = 4 * 1024;
const NAME_CHARS_MAX = 256;
const trustBody = z.strictObject({
  sections: z.array(z.enum(TRUSTS)).min(1).max(TRUSTS.length),
  until: z.iso.datetime({ offset: true }).optional(),
});

/** Whom a person lets act for them, and which clients the operator has closed. */
export function agentRoutes(app: Express, parts: HttpParts, guarded: Guarded): void {
  app.get(
    '/v1/agents',
    guarded('agents', async (req, res, caller) => {
      queryOf(req, []);
      const members = await requirePerson(parts, caller);
      sendJson(res, 200, { agents: await agentsOf(parts, caller, members) });
    }),
  );
  app.put(
    '/v1/agents/:agent',
    guarded('agents', async (req, res, caller) => {
      queryOf(req, []);
      const agent = nameOf(req.params.agent);
      const body = parseJson(await readBody(req, ['application/json'], BODY_BYTES_MAX));
      const parsed = trustBody.safeParse(body);
      if (!parsed.success) throw wrongTrust();
      const { sections, until } = parsed.data;
      const members = await requirePerson(parts, caller);
      await audited(parts, caller, [...members.map(memberRef), `agent:${agent}`], () =>
        parts.relations.agents.trust(caller.principal.subject, agent, sections, until),
      );
      sendJson(res, 200, { agents: await agentsOf(parts, caller, members) });
    }),
  );
  app.delete(
    '/v1/agents/:agent',
    guarded('agents', async (req, res, caller) => {
      const { section } = queryOf(req, ['section']);
      const agent = nameOf(req.params.agent);
      const from = section === undefined ? undefined : [sectionNamed(section)];
      const members = await requirePerson(parts, caller);
      const had = await audited(parts, caller, [...members.map(memberRef), `agent:${agent}`], () =>
        parts.relations.agents.untrust(caller.principal.subject, agent, from),
      );
      if (!had) throw new Fault('NOT_FOUND', { detail: 'You do not trust this agent with that.' });
      sendJson(res, 200, { agents: await agentsOf(parts, caller, members) });
    }),
  );
  suspensionRoutes(app, parts, guarded);
}

function suspensionRoutes(app: Express, parts: HttpParts, guarded: Guarded): void {
  app.get(
    '/v1/suspensions',
    guarded('suspensions', async (req, res, caller) => {
      queryOf(req, []);
      await requireAdmin(parts, caller, []);
      sendJson(res, 200, {
        clients: await parts.relations.agents.suspended(caller.principal.tenant),
      });
    }),
  );
  for (const verb of ['put', 'delete'] as const) {
    app[verb](
      '/v1/suspensions/:client',
      guarded('suspensions', async (req, res, caller) => {
        queryOf(req, []);
        const client = nameOf(req.params.client);
        await requireAdmin(parts, caller, []);
        const { tenant } = caller.principal;
        if (verb === 'put' && clientsOf(caller.principal).includes(client)) {
          const detail = 'This is the client that you use now: nobody could resume it with it.';
          throw new Fault('CONFLICT', { detail });
        }
        const actor = actorName(caller.principal);
        const change =
          verb === 'put' ? parts.relations.agents.suspend : parts.relations.agents.resume;
        await audited(parts, caller, [`client:${client}`], () => change(tenant, client, actor));
        sendJson(res, 200, { clients: await parts.relations.agents.suspended(tenant) });
      }),
    );
  }
}

/**
 * Only a person, for themself (`manage_trust`), says whom they trust: an agent could widen its own.
 * @returns their own members @throws Fault NOT_FOUND, once the refusal is in the audit
 */
async function requirePerson(
  { reader, audit }: HttpParts,
  caller: Caller,
): Promise<readonly string[]> {
  const members = await reader.ownMembers(caller);
  if (members.length > 0) return members;
  const refused = { action: 'relations', outcome: 'denied', what: [] } as const;
  await audit.append({ ...refused, ...caller, why: 'manage_trust' });
  const detail = 'Only a person sees and changes whom they trust, for their own record.';
  throw new Fault('NOT_FOUND', { detail });
}

async function agentsOf(
  { relations, reader }: HttpParts,
  caller: Caller,
  members: readonly string[],
): Promise<TrustedAgent[]> {
  const { subject, tenant } = caller.principal;
  const [found, seen] = await Promise.all([
    relations.agents.list(subject, tenant),
    reader.agentsSeen(caller, members),
  ]);
  return found.map((one) => {
    const lastSeen = seen.get(one.agent);
    return { ...one, ...(lastSeen !== undefined && { lastSeen }) };
  });
}

async function audited<T>(
  { audit }: HttpParts,
  caller: Caller,
  named: readonly string[],
  change: () => Promise<T>,
): Promise<T> {
  const what = named.map((uri) => ({ uri }));
  const record = { action: 'relations', ...caller, what, why: 'trust in agents' } as const;
  try {
    const done = await change();
    await audit.append({ ...record, outcome: 'success' });
    return done;
  } catch (error) {
    await audit.append({ ...record, outcome: 'failed' });
    throw error;
  }
}

function memberRef(member: string): string {
  return `member:${member}`;
}

function nameOf(text: unknown): string {
  if (typeof text !== 'string' || text.length > NAME_CHARS_MAX) throw wrong('name', 'is too long');
  // Control characters and the like have no place in a name that people are shown.
  if (!/^[\x21-\x7e]+$/.test(text)) throw wrong('name', 'must be printable characters');
  return text;
}

function sectionNamed(text: string): (typeof TRUSTS)[number] {
  const section = TRUSTS.find((one) => one === text);
  if (section === undefined) throw wrong('section', `must be one of ${TRUSTS.join(', ')}`);
  return section;
}

function wrongTrust(): Fault {
  const detail =
    'Send { "sections": ["profile", "care"], "until": "2027-01-01T00:00:00Z" }; sections are of ' +
    `${TRUSTS.join(', ')}, until may be left out.`;
  return new Fault('INVALID_ARGUMENT', { detail });
}
