import { z } from 'zod';

/**
 * FHIR R4 AuditEvent (hl7.org/fhir/R4/auditevent.html) and the rules of IHE BALP's profiles, written
 * from input/fsh of IHE/ITI.BasicAudit: cardinalities and fixed codes of the slices.
 */
const text = z.string().min(1);
const coding = z.strictObject({
  system: text.optional(),
  version: text.optional(),
  code: z
    .string()
    .regex(/^\S+(?: \S+)*$/)
    .optional(),
  display: text.optional(),
});
const concept = z.strictObject({
  coding: z.array(coding).min(1).optional(),
  text: text.optional(),
});
const identifier = z.strictObject({ system: text.optional(), value: text });
const reference = z
  .strictObject({
    reference: text.optional(),
    identifier: identifier.optional(),
    display: text.optional(),
  })
  .refine((one) => Object.keys(one).length > 0, 'an empty reference');
const agent = z.strictObject({
  type: concept.optional(),
  role: z.array(concept).min(1).optional(),
  who: reference.optional(),
  altId: text.optional(),
  name: text.optional(),
  requestor: z.boolean(),
  location: reference.optional(),
  policy: z.array(text).min(1).optional(),
  network: z.strictObject({ address: text, type: z.enum(['1', '2', '3', '4', '5']) }).optional(),
  purposeOfUse: z.array(concept).min(1).optional(),
});
const entity = z
  .strictObject({
    what: reference.optional(),
    type: coding.optional(),
    role: coding.optional(),
    name: text.optional(),
    description: text.optional(),
    query: z.base64().optional(),
    detail: z.array(z.strictObject({ type: text, valueString: text })).optional(),
  })
  .refine(({ name, query }) => !(name !== undefined && query !== undefined), 'sev-1');
const auditEvent = z.strictObject({
  resourceType: z.literal('AuditEvent'),
  id: z.string().regex(/^[A-Za-z0-9.-]{1,64}$/),
  meta: z.strictObject({ profile: z.array(z.url()) }).optional(),
  type: coding,
  subtype: z.array(coding).optional(),
  action: z.enum(['C', 'R', 'U', 'D', 'E']),
  recorded: z.iso.datetime(),
  outcome: z.enum(['0', '4', '8', '12']),
  outcomeDesc: text.optional(),
  purposeOfEvent: z.array(concept).min(1).optional(),
  agent: z.array(agent).min(1),
  source: z.strictObject({
    site: text.optional(),
    observer: reference,
    type: z.array(coding).optional(),
  }),
  entity: z.array(entity).optional(),
});
type Event = z.infer<typeof auditEvent>;

export function balpFaults(event: unknown): string[] {
  const parsed = auditEvent.safeParse(event);
  if (!parsed.success) return parsed.error.issues.map(({ path, message }) => `${path}: ${message}`);
  const faults = (parsed.data.meta?.profile ?? []).flatMap((profile) => {
    const rules = PROFILES[profile.split('IHE.BasicAudit.')[1] ?? ''];
    if (rules === undefined) return [`no such profile: ${profile}`];
    return Object.entries(rules).flatMap(([rule, holds]) => (holds(parsed.data) ? [] : [rule]));
  });
  return faults;
}

type Rules = Readonly<Record<string, (event: Event) => boolean>>;

const typed = (event: Event, code: string): Event['agent'] =>
  event.agent.filter(({ type }) => type?.coding?.some((one) => one.code === code) === true);
const parts = (event: Event, type: string, role?: string) =>
  (event.entity ?? []).filter(
    (one) => one.type?.code === type && (role === undefined || one.role?.code === role),
  );
const isParty = (event: Event, code: string): boolean =>
  typed(event, code).length === 1 &&
  typed(event, code).every(({ who, network }) => who !== undefined && network !== undefined);
const isUser = (event: Event): boolean =>
  typed(event, 'IRCP').length <= 1 &&
  typed(event, 'IRCP').every((one) => one.who && one.requestor && one.network === undefined);

const successful: Rules = {
  'type rest': ({ type }) => type.code === 'rest',
  'outcome success': ({ outcome }) => outcome === '0',
  'agent client and server, at least two': (event) =>
    event.agent.length >= 2 && isParty(event, '110152') && isParty(event, '110153'),
  'agent user at most once': isUser,
  'entity transaction at most once': (event) => parts(event, 'XrequestId').length <= 1,
};
const onePatient = (event: Event): boolean =>
  parts(event, '1', '1').length === 1 &&
  parts(event, '1', '1').every(({ what }) => what?.reference?.startsWith('Patient/') === true);
const READ: Rules = {
  ...successful,
  'subtype anyRead once': ({ subtype = [] }) =>
    subtype.filter(({ code }) => code === 'read' || code === 'vread').length >= 1,
  'action R': ({ action }) => action === 'R',
  'entity data once': (event) => {
    const data = parts(event, '2').filter(({ role }) =>
      ['3', '4', '20'].includes(role?.code ?? ''),
    );
    return data.length === 1 && data.every(({ what }) => what !== undefined);
  },
};
const QUERY: Rules = {
  ...successful,
  'subtype anySearch once': ({ subtype = [] }) =>
    subtype.some(
      ({ system, code }) => system?.endsWith('restful-interaction') && code === 'search',
    ),
  'action E': ({ action }) => action === 'E',
  'entity query once, with the query, no what, no detail': (event) => {
    const query = parts(event, '2', '24');
    return query.length === 1 && query.every((one) => one.query && !one.what && !one.detail);
  },
};
const PROFILES: Readonly<Record<string, Rules>> = {
  Read: READ,
  PatientRead: { ...READ, 'entity patient once': onePatient },
  Query: QUERY,
  PatientQuery: { ...QUERY, 'entity patient once': onePatient },
  'OAUTHaccessTokenUse.Comprehensive': {
    'agent oClient once, with its client id': (event) =>
      typed(event, '110150').length === 1 &&
      typed(event, '110150').every(({ who }) => who?.identifier !== undefined),
    'agent oUser with one jti': (event) =>
      typed(event, 'IRCP').every(
        ({ who, policy, requestor }) =>
          requestor &&
          who?.identifier?.system !== undefined &&
          policy?.length === 1 &&
          policy[0]?.startsWith('urn:ietf:params:oauth:jti:') === true,
      ),
  },
  AuthZconsent: {
    'type Security Alert': ({ type }) =>
      type.code === '110113' && type.system?.endsWith('DCM') === true,
    'subtype of AuthZsubType': ({ subtype = [] }) =>
      subtype.some(({ code }) => code === 'AuthZ-Consent'),
    'action E': ({ action }) => action === 'E',
    'client with network and no role, name, location': (event) =>
      isParty(event, '110150') &&
      typed(event, '110150').every((one) => !one.role && !one.name && !one.location),
    'user once, the requestor, no location': (event) =>
      typed(event, 'IRCP').length === 1 &&
      typed(event, 'IRCP').every((one) => one.requestor && !one.location && !one.altId),
    'userorg once': (event) => typed(event, 'PROV').length === 1,
    'authorizer once': (event) => typed(event, 'authserver').length === 1,
    'entities patient, consent, token and no other': (event) =>
      onePatient(event) &&
      parts(event, 'Consent').length >= 1 &&
      parts(event, 'UserOauthAgent').length <= 1 &&
      parts(event, '1').length +
        parts(event, 'Consent').length +
        parts(event, 'UserOauthAgent').length ===
        event.entity?.length,
  },
};
