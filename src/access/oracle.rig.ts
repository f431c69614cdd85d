/**
 * What schemas/twin.zed means, told a second time by hand and computed by brute force: no line of
 * it is read from the schema, nothing is shared with SpiceDB. For the oracle's tests.
 */

import type { ObjectRef, Relationship } from '../twin/ports.ts';

/** The relations of one small world, of which some have ended at `nowMs`. */
export class World {
  readonly #live: readonly Relationship[];

  constructor(relationships: readonly Relationship[], nowMs: number) {
    this.#live = relationships.filter(
      ({ expiresAt }) => expiresAt === undefined || Date.parse(expiresAt) > nowMs,
    );
  }

  allows(subject: ObjectRef, permission: string, object: ObjectRef): boolean {
    const rule = MEANING[object.type]?.[permission];
    if (rule === undefined) throw new Error(`the oracle knows no ${object.type}#${permission}`);
    return rule(this.#asked(subject, object));
  }

  #asked(subject: ObjectRef, object: ObjectRef): Asked {
    const subjects = (of: ObjectRef, relation: string): readonly ObjectRef[] =>
      this.#live
        .filter((one) => same(one.resource, of) && one.relation === relation)
        .map((one) => one.subject);
    const is = (relation: string, of: ObjectRef = object): boolean =>
      subjects(of, relation).some((one) => same(one, subject));
    return {
      is,
      by: (relation, theirs) => subjects(object, relation).some((between) => is(theirs, between)),
      may: (relation, permission) =>
        subjects(object, relation).some((other) => this.allows(subject, permission, other)),
    };
  }
}

interface Asked {
  /** The subject stands in this relation to the object. */
  is(relation: string): boolean;
  /** … to somebody who stands in the first relation to the object. */
  by(relation: string, theirs: string): boolean;
  /** The subject has the permission on something that stands in the relation to the object. */
  may(relation: string, permission: string): boolean;
}

type Rule = (asked: Asked) => boolean;

const isFamily: Rule = (she) => she.is('self') || she.is('guardian') || she.is('delegate');
const treats: Rule = (she) =>
  she.by('care_team', 'clinician') ||
  she.by('practitioner', 'self') ||
  she.by('organization', 'nurse');
const coordinates: Rule = (she) =>
  she.by('care_team', 'coordinator') || she.by('organization', 'coordinator');
const bills: Rule = (she) => she.by('organization', 'billing');
const isCalledInEmergency: Rule = (she) => she.is('emergency');
const works: Rule = (she) =>
  ['staff', 'nurse', 'coordinator', 'billing', 'admin'].some((role) =>
    she.by('organization', role),
  );
const runsPractice: Rule = (she) =>
  she.is('self') || she.by('organization', 'admin') || she.by('organization', 'coordinator');

function any(...rules: Rule[]): Rule {
  return (she) => rules.some((rule) => rule(she));
}

const careFamily = any(isFamily, treats, coordinates);
const trusted =
  (what: string): Rule =>
  (it) =>
    it.is('agent_all') || it.is(`agent_${what}`);

/** By object type and permission. */
export const MEANING: Readonly<Record<string, Readonly<Record<string, Rule>>>> = {
  user: {
    trusts_profile: trusted('profile'),
    trusts_coverage: trusted('coverage'),
    trusts_care: trusted('care'),
    trusts_clinical: trusted('clinical'),
    trusts_financial: trusted('financial'),
    trusts_chat: trusted('chat'),
  },
  organization: { admits_agent: (it) => it.is('agent_policy') },
  practitioner: {
    view_profile: any((she) => she.is('self'), works),
    view_panel: runsPractice,
    view_schedule: runsPractice,
  },
  member: {
    view_profile: any(
      careFamily,
      (she) => she.by('organization', 'staff'),
      bills,
      isCalledInEmergency,
    ),
    view_coverage: any(careFamily, bills, isCalledInEmergency),
    view_care: any(careFamily, isCalledInEmergency),
    view_clinical: any(isFamily, treats, isCalledInEmergency),
    view_financial: any(isFamily, bills),
    view_sensitive: any(
      (she) => she.is('self') || she.is('sensitive_consent'),
      (she) => she.by('sensitive_consent', 'clinician'),
      isCalledInEmergency,
    ),
    view_access_log: (she) =>
      she.is('self') || she.is('guardian') || she.by('organization', 'privacy_officer'),
    chat: careFamily,
    check_eligibility: any(isFamily, coordinates, bills),
    manage_session: careFamily,
    manage_trust: (she) => she.is('self'),
  },
  session: {
    view: (she) => she.is('participant') || she.may('member', 'manage_session'),
    manage: (she) => she.is('participant'),
  },
  client: { suspended: (it) => it.is('suspended') },
};

function same(a: ObjectRef, b: ObjectRef): boolean {
  return a.type === b.type && a.id === b.id;
}
