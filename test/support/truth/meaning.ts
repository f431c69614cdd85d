/**
 * Who is shown what of a member, told a second time by hand (docs/security.md): no line of it is
 * read from the product's own tables. What relations mean is the brute-force oracle's.
 */

import type { World } from '../../../src/access/oracle.rig.ts';

export const SECTIONS = ['profile', 'coverage', 'care', 'clinical', 'financial'] as const;
export type Section = (typeof SECTIONS)[number];

/** What a read of a section comes to: a variant, or which of three refusals. */
export type Verdict = 'full' | 'general' | 'minimal' | 'scope' | 'purpose' | 'absent';

/** One token, and what stands behind it. */
export interface Identity {
  readonly role: string;
  readonly user: string;
  /** `undefined`: the person themself. */
  readonly actor: string | undefined;
  readonly scope: string;
  readonly purpose: string | undefined;
}

/** By v3-PurposeOfUse code: sections shown whole, and `profile` where it is shown as the minimum. */
const NEEDS: Readonly<Record<string, { readonly whole: string; readonly least?: string }>> = {
  PATRQT: { whole: 'profile coverage care clinical financial' },
  TREAT: { whole: 'profile coverage care clinical' },
  HPAYMT: { whole: 'coverage financial', least: 'profile' },
  HQUALIMP: { whole: 'care clinical', least: 'profile' },
  HRESCH: { whole: '' },
};
export const PURPOSES = Object.keys(NEEDS);

/** The relations of the world, and whether one stands there as it is written. */
export interface Relations {
  readonly world: World;
  readonly written: ReadonlySet<string>;
}

export function verdictOf(
  { world, written }: Relations,
  { user, actor, scope, purpose }: Identity,
  { id, organization }: { readonly id: string; readonly organization: string },
  section: Section,
): Verdict {
  const scopes = scope.split(' ');
  if (!scopes.includes('twin:read') && !scopes.includes(`twin:read:${section}`)) return 'scope';
  const needs = purpose === undefined ? undefined : NEEDS[purpose];
  const isWhole = needs === undefined || needs.whole.split(' ').includes(section);
  const isLeast = needs?.least === section;
  if (!isWhole && !isLeast) return 'purpose';

  const person = { type: 'user', id: user };
  const member = { type: 'member', id };
  const agent = actor === undefined ? undefined : { type: 'agent', id: actor };
  const policy = { type: 'organization', id: organization };
  const trusted =
    agent === undefined ||
    world.allows(agent, `trusts_${section}`, person) ||
    world.allows(agent, 'admits_agent', policy);
  if (!trusted || !world.allows(person, `view_${section}`, member)) return 'absent';
  if (isLeast) return 'minimal';
  // With what is protected the person alone can trust an agent, and with everything only.
  const trustedWithAll =
    actor === undefined || written.has(`user:${user}#agent_all@agent:${actor}`);
  return trustedWithAll && world.allows(person, 'view_sensitive', member) ? 'full' : 'general';
}
