import { TRUSTS, type Trust, type TrustedAgent, type TrustGiven } from '../contract/agents.ts';
import type { Clock } from '../kernel/clock.ts';
import type { ObjectRef, RelationChange, Relations, Relationship } from '../twin/ports.ts';

/** Whom a person trusts with what, and which clients a tenant has suspended. */
export interface AgentsDesk {
  /** Agents that act for this person: by their own trust, and by the tenant's policy. */
  list(person: string, tenant: string): Promise<TrustedAgent[]>;
  /**
   * Trusts the agent with exactly these; what it had besides is taken back in the same write.
   * @param until ISO 8601 @throws Fault INVALID_ARGUMENT, NOT_COMMITTED
   */
  trust(person: string, agent: string, with_: readonly Trust[], until?: string): Promise<void>;
  /** Takes these back, or all. @returns whether there was any of it */
  untrust(person: string, agent: string, from?: readonly Trust[]): Promise<boolean>;
  suspended(tenant: string): Promise<string[]>;
  suspend(tenant: string, client: string, actor: string): Promise<void>;
  resume(tenant: string, client: string, actor: string): Promise<void>;
}

const SINCE = 'agent_since';

export function createAgentsDesk(relations: Relations, clock: Pick<Clock, 'now'>): AgentsDesk {
  const suspended = async (tenant: string): Promise<string[]> => {
    const found = await relations.list({ type: 'client', relation: 'suspended' });
    return found.filter(({ subject }) => subject.id === tenant).map(({ resource }) => resource.id);
  };
  const suspension = (operation: RelationChange['operation'], tenant: string, client: string) => {
    const relationship = {
      ...{ resource: { type: 'client', id: client }, relation: 'suspended' },
      subject: { type: 'organization', id: tenant },
    };
    return [{ operation, relationship }];
  };
  return {
    suspended,
    async list(person, tenant) {
      const [own, policy, closed] = await Promise.all([
        relations.list({ type: 'user', id: person }),
        relations.list({ type: 'organization', id: tenant, relation: 'agent_policy' }),
        suspended(tenant),
      ]);
      const shut = new Set(closed);
      const byYou = [...new Set(own.flatMap((one) => (trustOf(one) ? one.subject.id : [])))];
      return [
        ...byYou.sort().map((agent): TrustedAgent => {
          const since = sinceOf(own, agent);
          const sections = given(own, agent);
          const when = since === undefined ? {} : { since: new Date(since.atMs).toISOString() };
          return { agent, by: 'you', sections, ...when, suspended: shut.has(agent) };
        }),
        ...policy.map(({ subject }): TrustedAgent => {
          const sections = TRUSTS.filter((one) => one !== 'all').map((section) => ({ section }));
          const { id } = subject;
          return { agent: id, by: 'organization', sections, suspended: shut.has(id) };
        }),
      ];
    },
    async trust(person, agent, with_, until) {
      const own = await relations.list({ type: 'user', id: person });
      const wanted = new Set(with_);
      const taken = given(own, agent).filter(({ section }) => !wanted.has(section));
      const since = sinceOf(own, agent) ?? { atMs: clock.now() };
      await relations.write(
        [
          ...[...wanted].map((one) => touch(trustRelation(person, agent, one), until)),
          ...taken.map(({ section }) => remove(trustRelation(person, agent, section))),
          touch(sinceRelation(person, agent, since.atMs)),
        ],
        `user:${person}`,
      );
    },
    async untrust(person, agent, from) {
      const own = await relations.list({ type: 'user', id: person });
      const had = given(own, agent).map(({ section }) => section);
      const taken = had.filter((section) => from === undefined || from.includes(section));
      if (taken.length === 0) return false;
      const changes = taken.map((section) => remove(trustRelation(person, agent, section)));
      const since = sinceOf(own, agent);
      const nothingLeft = taken.length === had.length && since !== undefined;
      if (nothingLeft) changes.push(remove(sinceRelation(person, agent, since.atMs)));
      await relations.write(changes, `user:${person}`);
      return true;
    },
    async suspend(tenant, client, actor) {
      await relations.write(suspension('touch', tenant, client), actor);
    },
    async resume(tenant, client, actor) {
      await relations.write(suspension('delete', tenant, client), actor);
    },
  };
}

function trustRelation(person: string, agent: string, section: Trust): Relationship {
  const subject: ObjectRef = { type: 'agent', id: agent };
  return { resource: { type: 'user', id: person }, relation: `agent_${section}`, subject };
}

function sinceRelation(person: string, agent: string, atMs: number): Relationship {
  const subject: ObjectRef = { type: 'moment', id: `${atMs}/${agent}` };
  return { resource: { type: 'user', id: person }, relation: SINCE, subject };
}

function trustOf({ relation, subject }: Relationship): Trust | undefined {
  if (subject.type !== 'agent') return undefined;
  return TRUSTS.find((trust) => relation === `agent_${trust}`);
}

/** In the order of the table, each once. */
function given(own: readonly Relationship[], agent: string): TrustGiven[] {
  return TRUSTS.flatMap((section) => {
    const found = own.find((one) => trustOf(one) === section && one.subject.id === agent);
    if (found === undefined) return [];
    return [{ section, ...(found.expiresAt !== undefined && { until: found.expiresAt }) }];
  });
}

/** The first, where there are several. */
function sinceOf(own: readonly Relationship[], agent: string): { atMs: number } | undefined {
  const times = own.flatMap(({ relation, subject }) => {
    const [ms = '', ...rest] = subject.id.split('/');
    return relation === SINCE && rest.join('/') === agent && /^\d{1,15}$/.test(ms) ? [+ms] : [];
  });
  return times.length === 0 ? undefined : { atMs: Math.min(...times) };
}

function touch(relationship: Relationship, expiresAt?: string): RelationChange {
  const ending = expiresAt === undefined ? {} : { expiresAt };
  return { operation: 'touch', relationship: { ...relationship, ...ending } };
}

function remove(relationship: Relationship): RelationChange {
  return { operation: 'delete', relationship };
}
