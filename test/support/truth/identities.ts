import { ROLES } from '../../../src/access/roles.ts';
import { type Identity, PURPOSES } from './meaning.ts';

/** Everybody who is asked for, with the relations that make them so. */
export interface Cast {
  readonly identities: readonly Identity[];
  readonly relations: readonly string[];
}

/** An agent that the person trusts as its name says; the policy's is the organization's. */
const ACTORS = ['all', 'some', 'none', 'policy'] as const;
const SOME = ['agent_profile', 'agent_clinical', 'agent_coverage'];

const MORE = 'twin:search twin:subscribe';
const SCOPES = [
  `twin:read ${MORE}`,
  `twin:read:coverage ${MORE}`,
  `twin:read:profile twin:read:clinical ${MORE}`,
  `twin:read:care twin:read:financial ${MORE}`,
];

/** Roles that one person may hold at once. */
const TOGETHER = [
  ['practitioner', 'consented person'],
  ['delegate', 'organization billing'],
  ['organization nurse', 'clinician of a consented team'],
  [],
];

/**
 * Each role, and some together, with each actor, set of scopes and purpose of use; `random` picks
 * `count` of them, but each pair of role and actor at least once.
 */
export function castOf(
  { id: member, organization }: { readonly id: string; readonly organization: string },
  random: () => number,
  count: number,
): Cast {
  const people = [...ROLES.map(({ name }) => [name]), ...TOGETHER].map((roles, index) => ({
    role: roles.join(' and ') || 'nobody',
    user: `tt-${index}`,
    relations: roles.flatMap((role) => relationsOf(role, index, member, organization)),
  }));
  const relations = people.flatMap(({ user, relations: own }) => [...own, ...trustOf(user)]);
  const every = people.flatMap(({ role, user }) =>
    [undefined, ...ACTORS].map((actor) => ({
      role,
      user,
      actor: actor === undefined ? undefined : agentOf(actor),
    })),
  );
  const of = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const identities = Array.from({ length: Math.max(count, every.length) }, (_, index) => ({
    ...(every[index] ?? of(every)),
    scope: index % 3 === 0 ? (SCOPES[0] as string) : of(SCOPES),
    purpose: index % 3 === 1 ? undefined : of([undefined, ...PURPOSES]),
  }));
  const policy = `organization:${organization}#agent_policy@agent:${agentOf('policy')}`;
  return { identities, relations: [...relations, policy] };
}

function agentOf(name: (typeof ACTORS)[number]): string {
  return `tt-agent-${name}`;
}

function trustOf(user: string): string[] {
  return [
    `user:${user}#agent_all@agent:${agentOf('all')}`,
    ...SOME.map((trust) => `user:${user}#${trust}@agent:${agentOf('some')}`),
  ];
}

function relationsOf(role: string, index: number, member: string, organization: string): string[] {
  const names: Readonly<Record<string, string>> = {
    M: member,
    U: `tt-${index}`,
    T: `tt-team-${index}`,
    P: `tt-practitioner-${index}`,
    O: organization,
  };
  const found = ROLES.find(({ name }) => name === role);
  if (found === undefined) throw new Error(`no role is called ${role}`);
  return found.relations.map((text) =>
    text.replace(/:([MUTPO])\b/g, (_, name: string) => `:${names[name]}`),
  );
}
