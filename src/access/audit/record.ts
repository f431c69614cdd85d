import { hostname } from 'node:os';
import { parseUri, URI_CHARS_MAX } from '../../contract/uris.ts';
import type { AuditEntry, Principal } from '../../twin/ports.ts';

/**
 * One audit record, shaped after FHIR R4 AuditEvent and IHE BALP: who (user, client, agent that
 * acts), what (member, URI with etag), why (permission, purpose), outcome, correlation id.
 * It holds opaque ids alone; never a value of a record, a token or a name.
 */
export type AuditRecord = Readonly<Record<string, unknown>>;

/** URIs are kept as given, also where they are not canonical, up to this length. */
const URI_KEPT_CHARS = Math.max(2_100, URI_CHARS_MAX);
const WHY_KEPT_CHARS = 512;

const SITE = hostname();

const EVENT_TYPES = 'http://terminology.hl7.org/CodeSystem/audit-event-type';
const DICOM = 'http://dicom.nema.org/resources/ontology/DCM';
const OBJECT_ROLES = 'http://terminology.hl7.org/CodeSystem/object-role';
const BALP_ENTITIES = 'https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType';
const ACT_REASONS = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';

/** AuditEvent.action: create, read, update, delete, execute. */
const ACTIONS: Readonly<Record<AuditEntry['action'], 'C' | 'R' | 'U' | 'E'>> = {
  read: 'R',
  list: 'R',
  search: 'E',
  chat: 'E',
  subscribe: 'E',
  unsubscribe: 'E',
  notify: 'R',
  changes: 'R',
  import: 'C',
  find: 'E',
  relations: 'U',
  flags: 'U',
  'dead-letter': 'E',
  replay: 'E',
  snapshot: 'E',
  token: 'E',
  session: 'C',
};
/** AuditEvent.outcome: success, minor failure, serious failure. */
const OUTCOMES = { success: '0', denied: '4', failed: '8' } as const;

export function recordOf(entry: AuditEntry, atMs: number): AuditRecord {
  const { principal, receivers = [] } = entry;
  return {
    resourceType: 'AuditEvent',
    type:
      entry.outcome === 'denied'
        ? { system: DICOM, code: '110113', display: 'Security Alert' }
        : { system: EVENT_TYPES, code: 'rest' },
    subtype: [{ code: entry.action }],
    action: ACTIONS[entry.action],
    recorded: new Date(atMs).toISOString(),
    outcome: OUTCOMES[entry.outcome],
    outcomeDesc: entry.why.slice(0, WHY_KEPT_CHARS),
    purposeOfEvent: purposeOf(principal),
    agent: [
      ...(principal === undefined ? [] : agentsOf(principal, true)),
      ...receivers.flatMap(({ principal: receiver, stream }) =>
        agentsOf(receiver, false).map((agent) => ({ ...agent, altId: stream })),
      ),
    ],
    source: { observer: { display: 'digital-twin-mcp' }, site: SITE },
    entity: [
      ...membersOf(entry).map((member) => ({
        what: { reference: `Patient/${member}` },
        role: { system: OBJECT_ROLES, code: '1' },
      })),
      ...entry.what.map(entityOf),
      requestEntity(entry),
    ],
  };
}

/** The members that an entry is about; only what a canonical URI or a relation names. */
export function membersOf({ what }: Pick<AuditEntry, 'what'>): string[] {
  const members = what.flatMap(({ uri }) => {
    const [, related] = /^member:([A-Za-z0-9][A-Za-z0-9-]{0,63})$/.exec(uri) ?? [];
    if (related !== undefined) return [related];
    const parsed = parseUri(uri);
    return parsed !== null && 'member' in parsed ? [parsed.member] : [];
  });
  return [...new Set(members)];
}

function agentsOf(principal: Principal, requestor: boolean): Record<string, unknown>[] {
  const { issuer, clientId, actor, tenant, kind, subject } = principal;
  const who = {
    type: { text: kind },
    who: { identifier: { system: issuer, value: subject } },
    requestor: requestor && actor === undefined,
    // IHE BALP: the token by its id, never the token.
    policy: [`urn:ietf:params:oauth:jti:${principal.tokenId}`],
    location: { identifier: { value: tenant } },
    role: [{ text: [...principal.scopes].sort().join(' ') }],
  };
  const client = {
    type: { text: 'client' },
    who: { identifier: { system: issuer, value: clientId } },
    requestor: false,
  };
  if (actor === undefined) return [who, client];
  const act = {
    type: { text: 'agent acting for user' },
    who: { identifier: { system: issuer, value: actor } },
    requestor,
  };
  return [who, client, act];
}

function entityOf({ uri, etag, variant }: AuditEntry['what'][number]): Record<string, unknown> {
  return {
    what: { identifier: { value: uri.slice(0, URI_KEPT_CHARS) } },
    role: { system: OBJECT_ROLES, code: '3' },
    detail: [
      ...(etag === undefined ? [] : [{ type: 'etag', valueString: etag }]),
      ...(variant === undefined ? [] : [{ type: 'variant', valueString: variant }]),
    ],
  };
}

/** IHE BALP: the request that others' logs know by the same id. */
function requestEntity({ correlationId, bytes }: AuditEntry): Record<string, unknown> {
  return {
    what: { identifier: { value: correlationId } },
    type: { system: BALP_ENTITIES, code: 'XrequestId' },
    ...(bytes !== undefined && { detail: [{ type: 'bytes', valueString: String(bytes) }] }),
  };
}

function purposeOf(principal: Principal | undefined): unknown {
  if (principal?.purpose === undefined) return undefined;
  return [{ coding: [{ system: ACT_REASONS, code: principal.purpose }] }];
}
