/**
 * Who may do what with a member, and what an agent needs besides: the table of docs/security.md
 * "Who may see which section". schemas/twin.zed must say the same; `roles.test.ts` tries each cell.
 */

export const MEMBER_PERMISSIONS = [
  'view_profile',
  'view_coverage',
  'view_care',
  'view_clinical',
  'view_financial',
  'view_sensitive',
  'view_access_log',
  'chat',
  'check_eligibility',
  'manage_session',
  'manage_trust',
] as const;
export type MemberPermission = (typeof MEMBER_PERMISSIONS)[number];

export interface Role {
  readonly name: string;
  /** The relations that make `user:U` hold this role towards `member:M`. */
  readonly relations: readonly string[];
  readonly may: readonly MemberPermission[];
}

const SECTIONS = [
  'view_profile',
  'view_coverage',
  'view_care',
  'view_clinical',
  'view_financial',
] as const;
const TREATING = [
  'view_profile',
  'view_coverage',
  'view_care',
  'view_clinical',
  'chat',
  'manage_session',
] as const;
const COORDINATING = [
  'view_profile',
  'view_coverage',
  'view_care',
  'chat',
  'check_eligibility',
  'manage_session',
] as const;

export const ROLES: readonly Role[] = [
  { name: 'self', relations: ['member:M#self@user:U'], may: MEMBER_PERMISSIONS },
  {
    name: 'guardian',
    relations: ['member:M#guardian@user:U'],
    may: [...SECTIONS, 'view_access_log', 'chat', 'check_eligibility', 'manage_session'],
  },
  {
    name: 'delegate',
    relations: ['member:M#delegate@user:U'],
    may: [...SECTIONS, 'chat', 'check_eligibility', 'manage_session'],
  },
  {
    name: 'care team clinician',
    relations: ['member:M#care_team@careteam:T', 'careteam:T#clinician@user:U'],
    may: TREATING,
  },
  {
    name: 'care team coordinator',
    relations: ['member:M#care_team@careteam:T', 'careteam:T#coordinator@user:U'],
    may: COORDINATING,
  },
  {
    name: 'practitioner',
    relations: ['member:M#practitioner@practitioner:P', 'practitioner:P#self@user:U'],
    may: TREATING,
  },
  inOrganization('staff', ['view_profile']),
  inOrganization('nurse', TREATING),
  inOrganization('coordinator', COORDINATING),
  inOrganization('billing', [
    'view_profile',
    'view_coverage',
    'view_financial',
    'check_eligibility',
  ]),
  inOrganization('privacy_officer', ['view_access_log']),
  inOrganization('admin', []),
  {
    name: 'emergency',
    relations: ['member:M#emergency@user:U[expiration:2100-01-01T00:00:00Z]'],
    may: ['view_profile', 'view_coverage', 'view_care', 'view_clinical', 'view_sensitive'],
  },
  {
    name: 'consented person',
    relations: ['member:M#sensitive_consent@user:U'],
    may: ['view_sensitive'],
  },
  {
    name: 'clinician of a consented team',
    relations: ['member:M#sensitive_consent@careteam:T', 'careteam:T#clinician@user:U'],
    may: ['view_sensitive'],
  },
  {
    name: 'coordinator of a consented team',
    relations: ['member:M#sensitive_consent@careteam:T', 'careteam:T#coordinator@user:U'],
    may: [],
  },
];

function inOrganization(relation: string, may: readonly MemberPermission[]): Role {
  return {
    name: `organization ${relation.replace('_', ' ')}`,
    relations: ['member:M#organization@organization:O', `organization:O#${relation}@user:U`],
    may,
  };
}

/**
 * What the user must trust an agent with, by object type and permission: a permission (or relation)
 * on `user`. A permission that is not here, `manage_trust` above all, is never exercised by an
 * agent: it could widen its own trust.
 */
export const TRUST: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  member: {
    view_profile: 'trusts_profile',
    view_coverage: 'trusts_coverage',
    view_care: 'trusts_care',
    view_clinical: 'trusts_clinical',
    view_financial: 'trusts_financial',
    view_sensitive: 'agent_all',
    view_access_log: 'agent_all',
    chat: 'trusts_chat',
    check_eligibility: 'trusts_coverage',
    manage_session: 'trusts_chat',
  },
  practitioner: {
    view_profile: 'trusts_profile',
    view_panel: 'trusts_profile',
    view_schedule: 'trusts_care',
  },
  session: { view: 'trusts_chat', manage: 'trusts_chat' },
};

/** Trust that an organization's `agent_policy` cannot stand in for: the user alone gives it. */
export const PERSONAL_TRUST = 'agent_all';
