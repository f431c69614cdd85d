import { isSection } from '../../contract/uris.ts';
import { Fault } from '../../kernel/errors.ts';
import type { ObjectRef } from '../../twin/ports.ts';
import { type Caller, shownTo } from '../../twin/reader/index.ts';
import type { HttpParts } from '../parts.ts';
import { requireAdmin } from './admins.ts';
import { wrong } from './query.ts';

/**
 * Why somebody may or may not is for admins and privacy officers of the tenant. Everybody else is
 * told one sentence, which is the same for members who exist and who do not, and how to ask.
 * @throws Fault NOT_FOUND, once the refusal is in the audit
 */
export async function requireExplainer(
  parts: HttpParts,
  caller: Caller,
  object: ObjectRef,
): Promise<void> {
  const { access, ofTenant } = parts;
  const { tenant } = caller.principal;
  const officer = { permission: 'privacy_officer', object: { type: 'organization', id: tenant } };
  const [decision] = await access.check(caller.principal, [officer]);
  if (decision?.allowed === true && ofTenant(tenant, object)) return;
  await requireAdmin(parts, caller, [object]).catch((error: unknown) => {
    if (!(error instanceof Fault) || error.code !== 'NOT_FOUND') throw error;
    throw new Fault('NOT_FOUND', {
      detail:
        'You have no relation to this member, or it does not exist. Ask the member, or the privacy ' +
        'officer of your organization, to give you one.',
    });
  });
}

interface Question {
  readonly subject: string;
  readonly permission: string;
  readonly object: string;
}

interface With {
  readonly agent?: string;
  readonly purpose?: string;
  readonly scope?: string;
}

/**
 * In full: the paths with when they end, the trust in the agent, whether agent or client is
 * suspended, and what scopes and purpose would leave of the section.
 */
export async function explained(
  { relations }: HttpParts,
  { principal }: Caller,
  { subject, permission, object }: Question,
  { agent, purpose, scope }: With,
): Promise<Record<string, unknown>> {
  const { tenant } = principal;
  const acting = agent === undefined ? undefined : { id: agent, tenant };
  const answer = await relations.explain(subject, permission, object, acting);
  const suspended =
    agent !== undefined && (await relations.agents.suspended(tenant)).includes(agent);
  const section = permission.replace(/^view_/, '');
  const narrowed = purpose !== undefined || scope !== undefined;
  if (narrowed && !isSection(section)) {
    throw wrong('purpose', 'and scope narrow the sections of a member only');
  }
  const scopes = scope === undefined ? undefined : new Set(scope.split(' '));
  const shown = isSection(section) && narrowed ? shownTo({ scopes, purpose }, section) : undefined;
  return {
    ...answer,
    allowed: answer.allowed && !suspended && (!narrowed || shown !== undefined),
    ...(agent !== undefined && { suspended }),
    ...(narrowed && { shown: shown ?? 'nothing' }),
  };
}
