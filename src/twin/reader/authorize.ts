import type { Variant } from '../../contract/documents.ts';
import type { TwinUri } from '../../contract/uris.ts';
import { isObject } from '../../kernel/json.ts';
import type { CheckItem, Decision, Principal, StoredSource, View } from '../ports.ts';
import { memberObject, viewSection, viewSensitive } from '../subjects.ts';
import { emergencyOn, memberIn } from './break-glass.ts';
import { subjectOfUri } from './load.ts';
import type { ReaderParts } from './parts.ts';
import { variantShown, withinToken } from './shown.ts';

export interface Grant {
  readonly allowed: boolean;
  readonly variant: Variant;
  /** Which permission decided, at which revision: for the audit record. */
  readonly why: string;
  /** Whether the person has broken the glass on the member; told by reads alone. */
  readonly emergency?: boolean;
}

const DENIED: Grant = { allowed: false, variant: 'general', why: 'denied' };

/**
 * Decides on one canonical URI. The same checks run for ids that do not exist, so that "not there"
 * and "not yours" take the same time.
 */
export async function authorize(
  parts: Pick<ReaderParts, 'access' | 'view'>,
  principal: Principal,
  uri: TwinUri,
): Promise<Grant> {
  const items = checksToRead(parts.view, principal, uri);
  const decisions = await parts.access.check(principal, items);
  return grantToRead(parts.view, principal, uri, items, decisions);
}

/** With whether it is by break-glass, which subscriptions and lists need not know. */
function checksToRead(view: View, principal: Principal, uri: TwinUri): CheckItem[] {
  const member = memberIn(uri);
  const items = checksFor(view, principal, uri);
  return member === undefined ? items : [...items, emergencyOn(member)];
}

function grantToRead(
  view: View,
  principal: Principal,
  uri: TwinUri,
  items: readonly CheckItem[],
  decisions: readonly Decision[],
): Grant {
  const grant = grantWithin(view, principal, uri, items, decisions);
  const emergency = memberIn(uri) !== undefined && decisions.at(-1)?.allowed === true;
  return grant.allowed && emergency ? { ...grant, emergency } : grant;
}

/** Decides on many URIs in one round of checks. */
export function authorizeAll(
  parts: Pick<ReaderParts, 'access' | 'view'>,
  principal: Principal,
  uris: readonly TwinUri[],
): Promise<Grant[]> {
  return grantsOf(parts, principal, uris, (uri) => checksFor(parts.view, principal, uri));
}

/** The same where nobody needs to know in which variant: half the questions. */
export async function mayReadAll(
  parts: Pick<ReaderParts, 'access' | 'view'>,
  principal: Principal,
  uris: readonly TwinUri[],
): Promise<boolean[]> {
  const needed = (uri: TwinUri) => checksFor(parts.view, principal, uri).slice(0, 1);
  const grants = await grantsOf(parts, principal, uris, needed);
  return grants.map(({ allowed }) => allowed);
}

async function grantsOf(
  parts: Pick<ReaderParts, 'access' | 'view'>,
  principal: Principal,
  uris: readonly TwinUri[],
  checks: (uri: TwinUri) => CheckItem[],
): Promise<Grant[]> {
  const asked = uris.map(checks);
  const items = asked.flat();
  // What is known is as good as what is asked for, and takes no turn of the event loop.
  const decisions =
    parts.access.known(principal, items) ?? (await parts.access.check(principal, items));
  let next = 0;
  return uris.map((uri, index) => {
    const needed = asked[index] ?? [];
    const own = decisions.slice(next, next + needed.length);
    next += needed.length;
    return grantWithin(parts.view, principal, uri, needed, own);
  });
}

/** The same decision without a question; `undefined` where SpiceDB would have to be asked. */
export function grantKnown(
  { access, view }: Pick<ReaderParts, 'access' | 'view'>,
  principal: Principal,
  uri: TwinUri,
): Grant | undefined {
  const items = checksToRead(view, principal, uri);
  const decisions = access.known(principal, items);
  return decisions && grantToRead(view, principal, uri, items, decisions);
}

function grantWithin(
  view: View,
  principal: Principal,
  uri: TwinUri,
  items: readonly CheckItem[],
  decisions: readonly Decision[],
): Grant {
  if (!withinToken(principal, uri)) return DENIED;
  const grant = grantOf(view, principal, uri, items, decisions);
  // Last, since to look a tenant up takes longer for a subject that nobody knows: what is denied
  // takes the same time, whether or not it is there (`attacks-oracle-timing`).
  return grant.allowed && withinTenant(view, principal, uri) ? grant : DENIED;
}

/** Ids are unique over all tenants, so this only ever adds to what the relations say. */
function withinTenant(view: View, principal: Principal, uri: TwinUri): boolean {
  const subject = subjectOfUri(uri);
  if (subject === undefined) return true;
  const tenant = view.for(view.partitionOf(subject)).tenantOf(subject);
  return tenant === undefined || tenant === principal.tenant;
}

function checksFor(view: View, principal: Principal, uri: TwinUri): CheckItem[] {
  switch (uri.kind) {
    case 'section':
    case 'source':
      return [viewSection(uri.member, uri.section), viewSensitive(uri.member)];
    case 'access-log':
      return [{ permission: 'view_access_log', object: memberObject(uri.member) }];
    case 'practitioner': {
      const object = { type: 'practitioner', id: uri.practitioner };
      return [{ permission: `view_${uri.section}`, object }];
    }
    case 'session': {
      const member = ownSession(view, principal, uri.session)?.member;
      return typeof member === 'string'
        ? [{ permission: 'chat', object: memberObject(member) }]
        : [];
    }
    case 'changes':
      return [];
  }
}

function grantOf(
  view: View,
  principal: Principal,
  uri: TwinUri,
  items: readonly CheckItem[],
  decisions: readonly Decision[],
): Grant {
  if (uri.kind === 'changes') return { allowed: true, variant: 'general', why: 'own cursor' };
  if (uri.kind === 'session') {
    const own = ownSession(view, principal, uri.session) !== undefined;
    const allowed = own && decisions.every((decision) => decision.allowed);
    return { allowed, variant: 'general', why: allowed ? 'own session' : 'denied' };
  }
  const [needed, sensitive] = decisions;
  if (needed?.allowed !== true) return DENIED;
  const full = sensitive?.allowed === true;
  const ofSection = uri.kind === 'section' || uri.kind === 'source';
  return {
    allowed: true,
    variant: ofSection ? variantShown(principal, uri.section, full) : 'general',
    why: `${items[0]?.permission ?? ''} at ${needed.revision}`,
  };
}

/** A session belongs to the tenant, subject and client that opened it (contract "Session handle"). */
export function ownSession(
  view: View,
  principal: Principal,
  session: string,
): StoredSource['resource'] | undefined {
  const subject = { kind: 'session', id: session } as const;
  const record = view.for(view.partitionOf(subject)).source(subject, 'Session', session);
  const owner = record?.resource?.owner;
  if (record === undefined || !isObject(owner)) return undefined;
  const same =
    record.tenant === principal.tenant &&
    owner.subject === principal.subject &&
    owner.kind === principal.kind &&
    owner.client === principal.clientId;
  return same ? record.resource : undefined;
}
