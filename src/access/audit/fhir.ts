import type { AuditRow, RowAgent, RowObject, RowReceiver } from '../../contract/audit/row.ts';
import { parseUri } from '../../contract/uris.ts';

/** A FHIR R4 AuditEvent in the shapes of IHE BALP 1.1, rendered from a row when it is given out. */
export type AuditEvent = Readonly<Record<string, unknown>>;

export interface RenderedRow {
  readonly generation: string;
  readonly instance: string;
  readonly index: number;
  readonly row: AuditRow;
}

const BALP = 'https://profiles.ihe.net/ITI/BALP';
const TERMS = 'http://terminology.hl7.org/CodeSystem';
const DCM = 'http://dicom.nema.org/resources/ontology/DCM';
const coding = (system: string, code: string, display?: string) => ({
  ...{ system, code },
  ...(display !== undefined && { display }),
});
const concept = (system: string, code: string, display?: string) => ({
  coding: [coding(system, code, display)],
});
const REST = coding(`${TERMS}/audit-event-type`, 'rest', 'Restful Operation');
const PERSON = coding(`${TERMS}/audit-entity-type`, '1', 'Person');
const SYSTEM_OBJECT = coding(`${TERMS}/audit-entity-type`, '2', 'System Object');
const role = (code: string, display: string) => coding(`${TERMS}/object-role`, code, display);

const OUTCOMES = { success: '0', denied: '4', failed: '8' } as const;
/** What shows documents, and what searches; everything else changes or opens something. */
const READS: ReadonlySet<string> = new Set(['read', 'notify']);
const QUERIES: ReadonlySet<string> = new Set(['list', 'search', 'find', 'changes', 'chat']);
const CHANGES: Readonly<Record<string, string>> = {
  ...{ import: 'C', session: 'C', relations: 'U', flags: 'U', configuration: 'U' },
};

/** What a row stands for: one event an object read, and one a person whom a query showed. */
export function eventsOf(rendered: RenderedRow): AuditEvent[] {
  const { row } = rendered;
  const bodies = bodiesOf(row);
  const several = bodies.length > 1;
  return bodies.map((body, at) => ({
    resourceType: 'AuditEvent',
    id: `${rendered.generation}-${rendered.index}${several ? `-${at + 1}` : ''}`,
    ...body(rendered),
  }));
}

type Body = (rendered: RenderedRow) => Record<string, unknown>;

function bodiesOf(row: AuditRow): Body[] {
  if (row.action === 'authentication') return [authentication];
  if (row.outcome === 'denied') return denials(row);
  if (row.action === 'break-glass') return [emergency];
  const known = row.outcome === 'success' && (row.who !== undefined || row.to !== undefined);
  if (known && READS.has(row.action) && row.what.length > 0) return reads(row);
  if (known && row.who !== undefined && QUERIES.has(row.action)) return queries(row);
  return [other];
}

/** A delivery is an event for each who was told, of each document. */
function reads(row: AuditRow): Body[] {
  const told = row.to?.flatMap((to) =>
    (to.told ?? row.what.keys().toArray()).flatMap((place) => {
      const what = row.what[place];
      return what === undefined ? [] : [{ to, what }];
    }),
  );
  const shown: readonly { to?: RowReceiver; what: RowObject }[] =
    told ?? row.what.map((what) => ({ what }));
  return shown.map(({ to, what }) => (rendered) => {
    const member = memberOf(what.uri);
    return {
      meta: profiles(member === undefined ? 'Read' : 'PatientRead'),
      ...base(rendered, REST, restful('read'), 'R'),
      agent: agents(rendered, to ?? row.who, 'read'),
      entity: [transaction(rendered), data(what), ...(member ? [patient(member)] : [])],
    };
  });
}

/** Whoever was shown is a person of whom there is an event; a query that showed nobody is one too. */
function queries(row: AuditRow): Body[] {
  const members = [...new Set(row.what.flatMap(({ uri }) => memberOf(uri) ?? []))];
  const shown = members.length === 0 ? [undefined] : members;
  return shown.map((member) => (rendered) => ({
    meta: profiles(member === undefined ? 'Query' : 'PatientQuery'),
    ...base(rendered, REST, restful('search'), 'E'),
    agent: agents(rendered, row.who, 'query'),
    entity: [
      transaction(rendered),
      {
        ...{ type: SYSTEM_OBJECT, role: role('24', 'Query') },
        // The words of a query may be health information: they are not kept.
        query: Buffer.from(`${row.action}; its words are not kept`).toString('base64'),
      },
      ...(member === undefined ? [] : [patient(member)]),
    ],
  }));
}

/** A denial about a member is BALP's AuthZconsent; what names no member is an alert by itself. */
function denials(row: AuditRow): Body[] {
  const members = [...new Set(row.what.flatMap(({ uri }) => memberOf(uri) ?? []))];
  const { who } = row;
  const alert = coding(DCM, '110113', 'Security Alert');
  const decided = coding(
    `${BALP}/CodeSystem/AuthZsubType`,
    who === undefined ? 'AuthZ-Role' : 'AuthZ-Consent',
  );
  if (members.length === 0 || who === undefined) {
    return [
      (rendered) => ({
        ...base(rendered, alert, [decided, own(row.action)], 'E'),
        agent: who === undefined ? [nobody()] : [user(who), application(who)],
        entity: [transaction(rendered), ...row.what.map(data)],
      }),
    ];
  }
  return members.map((member) => (rendered) => ({
    meta: { profile: [`${BALP}/StructureDefinition/IHE.BasicAudit.AuthZconsent`] },
    ...base(rendered, alert, [decided, own(row.action)], 'E'),
    agent: [
      { ...application(who), network: UNKEPT },
      user(who, true),
      {
        type: concept(`${TERMS}/v3-RoleClass`, 'PROV', 'healthcare provider'),
        ...{ who: { identifier: { value: who.tenant } }, requestor: false },
      },
      {
        type: concept(`${TERMS}/extra-security-role-type`, 'authserver', 'authorization server'),
        ...{ who: observer(rendered.instance), requestor: false },
      },
    ],
    entity: [
      patient(member),
      {
        type: coding('http://hl7.org/fhir/resource-types', 'Consent', 'Consent'),
        what: { display: 'the relations of the member at the time of the decision' },
        // The profile closes the list of entities: what was asked, and by which request, goes here.
        detail: asked(rendered, member),
      },
      {
        type: coding(`${BALP}/CodeSystem/UserAgentTypes`, 'UserOauthAgent'),
        what: { identifier: { value: jti(who) } },
      },
    ],
  }));
}

const authentication: Body = (rendered) => ({
  ...base(
    rendered,
    coding(DCM, '110114', 'User Authentication'),
    [coding(DCM, '110122', 'Login')],
    'E',
  ),
  agent: [nobody()],
  entity: [transaction(rendered)],
});

/** DICOM PS3.16 CID 403: that the usual rules were set aside, and that they hold again. */
const emergency: Body = (rendered) => {
  const { row } = rendered;
  const opened = /^break-glass (?:not )?opened/.test(row.why);
  const ended = row.why.startsWith('break-glass ended');
  const kind = [
    ...(opened ? [coding(DCM, '110127', 'Emergency Override Started')] : []),
    ...(ended ? [coding(DCM, '110138', 'Emergency Override Stopped')] : []),
  ];
  const alert = coding(DCM, '110113', 'Security Alert');
  const members = [...new Set(row.what.flatMap(({ uri }) => memberOf(uri) ?? []))];
  return {
    ...base(rendered, alert, [...kind, own(row.action)], 'E'),
    agent: row.who === undefined ? [nobody()] : [user(row.who), application(row.who)],
    entity: [transaction(rendered), ...row.what.map(data), ...members.map(patient)],
  };
};

const other: Body = (rendered) => {
  const { row } = rendered;
  const people = row.to ?? (row.who === undefined ? [] : [row.who]);
  const seen = people.flatMap((who) => [user(who), application(who), ...acting(who)]);
  const members = [...new Set(row.what.flatMap(({ uri }) => memberOf(uri) ?? []))];
  return {
    ...base(rendered, REST, [], CHANGES[row.action] ?? 'E'),
    agent: [...seen, server(rendered, '110152', 'Destination Role ID')],
    entity: [transaction(rendered), ...row.what.map(data), ...members.map(patient)],
  };
};

function base(
  { row, instance }: RenderedRow,
  type: object,
  subtype: readonly object[],
  action: string,
): Record<string, unknown> {
  const { purpose } = row.who ?? {};
  return {
    ...{ type, subtype: type === REST ? [...subtype, own(row.action)] : subtype, action },
    ...{ recorded: row.at, outcome: OUTCOMES[row.outcome], outcomeDesc: row.why },
    ...(purpose !== undefined && { purposeOfEvent: [purposeOf(purpose)] }),
    source: {
      ...{ site: instance, observer: observer(instance) },
      type: [coding(`${TERMS}/security-source-type`, '4', 'Application Server')],
    },
  };
}

function restful(code: 'read' | 'search'): object[] {
  return [coding('http://hl7.org/fhir/restful-interaction', code)];
}

/** The word of ours, beside those of the standards. */
function own(action: string): object {
  return coding('https://digital-twin-mcp.dev/CodeSystem/audit-action', action);
}

function profiles(shape: string): { profile: string[] } {
  const of = (name: string): string => `${BALP}/StructureDefinition/IHE.BasicAudit.${name}`;
  return { profile: [of(shape), of('OAUTHaccessTokenUse.Comprehensive')] };
}

/** Source and destination are those of the data in a read, and of the question in a query (BALP). */
function agents(
  rendered: RenderedRow,
  who: RowAgent | undefined,
  kind: 'read' | 'query',
): object[] {
  const source: readonly [string, string] = ['110153', 'Source Role ID'];
  const destination: readonly [string, string] = ['110152', 'Destination Role ID'];
  const asks = kind === 'read' ? destination : source;
  const answers = kind === 'read' ? source : destination;
  if (who === undefined) return [nobody(), server(rendered, ...answers)];
  const client = { who: { identifier: { system: who.issuer, value: who.client } } };
  return [
    { type: concept(DCM, ...asks), ...client, requestor: false, network: UNKEPT },
    server(rendered, ...answers),
    user(who),
    application(who),
    ...acting(who),
  ];
}

/** Addresses of clients are identifiers, and are not kept. */
const UNKEPT = { address: 'urn:digital-twin-mcp:address-not-kept', type: '5' };

function server({ instance }: RenderedRow, code: string, display: string): object {
  const network = { address: `urn:digital-twin-mcp:instance:${instance}`, type: '5' };
  const type = concept(DCM, code, display);
  return { type, who: observer(instance), requestor: false, network };
}

function user(who: RowAgent, isDecision = false): object {
  const { issuer, subject, tenant, purpose, scopes } = who;
  return {
    type: concept(`${TERMS}/v3-ParticipationType`, 'IRCP', 'information recipient'),
    ...{ who: { identifier: { system: issuer, value: subject } }, requestor: true },
    policy: [jti(who)],
    ...(scopes !== '' && { role: [{ text: scopes }] }),
    ...(!isDecision && { location: { identifier: { value: tenant } } }),
    ...(purpose !== undefined && { purposeOfUse: [purposeOf(purpose)] }),
  };
}

/** BALP OAUTHaccessTokenUse.Comprehensive, oClient. */
function application({ issuer, client }: RowAgent): object {
  const who = { identifier: { system: issuer, value: client } };
  return { type: concept(DCM, '110150', 'Application'), who, requestor: false };
}

/** The agents of the `act` chain: the outermost is the one who decided to ask. */
function acting({ actor, actors, issuer }: RowAgent): object[] {
  const chain = actors ?? (actor === undefined ? [] : [actor]);
  return chain.map((value) => ({
    type: { text: 'agent acting for user' },
    ...{ who: { identifier: { system: issuer, value } }, requestor: false },
  }));
}

function nobody(): object {
  return { who: { display: 'nobody who could be verified' }, requestor: true };
}

function observer(instance: string): object {
  return { identifier: { value: instance }, display: 'digital-twin-mcp' };
}

function patient(member: string): object {
  const what = { reference: `Patient/${member}` };
  return { what, type: PERSON, role: role('1', 'Patient') };
}

function data({ uri, etag, variant }: RowObject): object {
  const details = Object.entries({ etag, variant }).flatMap(([type, valueString]) =>
    valueString === undefined ? [] : [{ type, valueString }],
  );
  return {
    ...{ what: { identifier: { value: uri || '(empty)' } }, type: SYSTEM_OBJECT },
    role: role('4', 'Domain Resource'),
    ...(details.length > 0 && { detail: details }),
  };
}

/** A denial's request, its place in the log, and the URIs about this member, as they were asked. */
function asked({ row, generation, index }: RenderedRow, member: string): object[] {
  const uris = row.what.filter(({ uri }) => memberOf(uri) === member).map(({ uri }) => uri);
  const details = [
    ['XrequestId', row.id],
    ['generation', generation],
    ['index', String(index)],
  ];
  return [...details, ...uris.map((uri) => ['uri', uri])].map(([type, valueString]) => ({
    ...{ type, valueString },
  }));
}

/** The request that others' logs know by the same id, and the row's place in its log. */
function transaction({ row, generation, index }: RenderedRow): object {
  const { bytes, count } = row;
  const details = { generation, index, bytes, count };
  return {
    what: { identifier: { value: row.id } },
    type: coding(`${BALP}/CodeSystem/BasicAuditEntityType`, 'XrequestId'),
    detail: Object.entries(details).flatMap(([type, value]) =>
      value === undefined ? [] : [{ type, valueString: String(value) }],
    ),
  };
}

function jti({ token }: RowAgent): string {
  return `urn:ietf:params:oauth:jti:${token}`;
}

function purposeOf(code: string): object {
  return concept(`${TERMS}/v3-ActReason`, code);
}

function memberOf(uri: string): string | undefined {
  const [, related] = /^member:([A-Za-z0-9][A-Za-z0-9-]{0,63})$/.exec(uri) ?? [];
  if (related !== undefined) return related;
  const parsed = parseUri(uri);
  return parsed !== null && 'member' in parsed ? parsed.member : undefined;
}
