import { LIMITS } from '../../kernel/limits.ts';
import type { Audit, RelationChange, Relations } from '../../twin/ports.ts';
import { TRUST } from './words.ts';

export interface TrustParts {
  readonly relations: Pick<Relations, 'write' | 'list'>;
  readonly audit: Audit;
  /** Seconds. */
  readonly now: () => number;
}

export interface TrustGiven {
  readonly subject: string;
  readonly agent: string;
  /** Ticked on the page: keys of `TRUST`. */
  readonly sections: readonly string[];
  readonly correlationId: string;
}

/**
 * What the person ticked, as relations of SpiceDB that end with the consent. What they trust the agent
 * with already is left as it is, so that a tick never shortens it.
 * @throws Fault NOT_COMMITTED
 */
export async function giveTrust(parts: TrustParts, given: TrustGiven): Promise<void> {
  const { relations, audit, now } = parts;
  const { subject, agent, sections, correlationId } = given;
  if (sections.length === 0) return;
  const already = await trustedSections(parts, subject, agent, now());
  const expiresAt = new Date((now() + LIMITS.issuer.grantSeconds) * 1000).toISOString();
  const changes = Object.entries(TRUST)
    .filter(([section]) => sections.includes(section) && !already.includes(section))
    .map(([, { relation }]): RelationChange => {
      const resource = { type: 'user', id: subject };
      const relationship = { resource, relation, subject: { type: 'agent', id: agent }, expiresAt };
      return { operation: 'touch', relationship };
    });
  if (changes.length === 0) return;
  await relations.write(changes, subject);
  await audit.append({
    action: 'relations',
    outcome: 'success',
    correlationId,
    what: changes.map(({ relationship: { relation } }) => ({
      uri: `user:${subject}#${relation}@agent:${agent}`,
    })),
    why: `ticked by ${subject} on the page of consent`,
  });
}

/** What a person trusts an agent with now: keys of `TRUST`. */
export async function trustedSections(
  { relations }: Pick<TrustParts, 'relations'>,
  subject: string,
  agent: string,
  nowSeconds: number,
): Promise<string[]> {
  const held = (await relations.list({ type: 'user', id: subject })).filter(
    (one) =>
      one.subject.type === 'agent' &&
      one.subject.id === agent &&
      (one.expiresAt === undefined || Date.parse(one.expiresAt) > nowSeconds * 1000),
  );
  const names = new Set(held.map(({ relation }) => relation));
  return Object.entries(TRUST)
    .filter(([, { relation }]) => names.has('agent_all') || names.has(relation))
    .map(([section]) => section);
}
