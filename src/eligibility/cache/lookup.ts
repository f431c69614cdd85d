import { parseUri } from '../../contract/uris.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { codeOf, objectOf, objectsOf, stringOf } from '../../twin/fhir/elements.ts';
import type { StoredSource, Subject, View, ViewShard } from '../../twin/ports.ts';
import { actionOf } from '../aaa.ts';
import { CHECK_SYSTEM } from '../fact/resource.ts';
import type { KnownFact } from './rules.ts';

export interface LookupParts {
  readonly view: Pick<View, 'for' | 'partitionOf'>;
  /** Ids of the records in which what came of a question stands. */
  readonly idsOf: (
    question: CachedQuestion,
  ) => Readonly<Record<'answer' | 'raw' | 'state', string>>;
}

export interface CachedQuestion {
  readonly tenant: string;
  readonly member: string;
  readonly coverage: string;
  readonly payer: string;
  readonly serviceTypes: readonly string[];
  readonly serviceDate?: string;
}

/** Claims that are looked at for a denial, newest first. */
const CLAIMS_MAX = 30;

/**
 * The facts themselves are the cache: they stand in the twin, the same on every instance, and
 * outlive a restart and whatever becomes of Redis. Found by payer, member, service types and date;
 * what has come since and speaks against one drops it.
 */
export function findFact(parts: LookupParts, question: CachedQuestion): KnownFact | undefined {
  const subject = { kind: 'member', id: question.member } as const;
  const shard = parts.view.for(parts.view.partitionOf(subject));
  const ids = parts.idsOf(question);
  const record = (id: string): StoredSource | undefined =>
    shard.source(subject, 'CoverageEligibilityResponse', id);
  const answer = record(ids.answer) ?? record(ids.raw);
  const state = record(ids.state);
  const newest = newer(answer, state);
  const fact = newest === undefined ? undefined : factOf(newest, question);
  if (fact === undefined) return undefined;
  return isContradicted(shard, subject, question, fact) ? { ...fact, contradicted: true } : fact;
}

/** A check under way says nothing as yet: what is known is what stood before it. */
function newer(answer?: StoredSource, state?: StoredSource): StoredSource | undefined {
  if (state?.resource?.outcome !== 'error') return answer;
  return createdOf(state) > createdOf(answer) ? state : answer;
}

function createdOf(record: StoredSource | undefined): number {
  const at = Date.parse(stringOf(record?.resource?.created) ?? '');
  return Number.isNaN(at) ? Number.NEGATIVE_INFINITY : at;
}

function factOf(record: StoredSource, { serviceDate }: CachedQuestion): KnownFact | undefined {
  const resource = record.resource ?? ({} as JsonObject);
  if (stringOf(resource.servicedDate) !== serviceDate) return undefined;
  const named = objectsOf(resource.identifier).find(({ system }) => system === CHECK_SYSTEM);
  const checkId = stringOf(named?.value);
  const checkedAt = createdOf(record);
  if (checkId === undefined || !Number.isFinite(checkedAt)) return undefined;
  const [insurance] = objectsOf(resource.insurance);
  const planEnds = stringOf(objectOf(insurance?.benefitPeriod).end);
  return {
    ...{ checkId, checkedAt, status: statusOf(insurance?.inforce) },
    ...(planEnds !== undefined && { planEnds }),
    ...(resource.outcome === 'error' && { refusal: refusalOf(resource) }),
  };
}

function statusOf(inforce: unknown): KnownFact['status'] {
  if (inforce === true) return 'active';
  return inforce === false ? 'inactive' : 'unknown';
}

function refusalOf({ error }: JsonObject): 'not-found' | 'other' {
  const codes = objectsOf(error).flatMap(({ code }) => codeOf(code) ?? []);
  const isNotFound = (code: string): boolean =>
    actionOf({ code, loop: 'unknown', path: '' }).notFound;
  return codes.length > 0 && codes.every(isNotFound) ? 'not-found' : 'other';
}

/** The coverage has changed on record, or a claim was denied since as not covered on its day. */
function isContradicted(
  shard: ViewShard,
  subject: Subject,
  { coverage }: CachedQuestion,
  { checkedAt, status }: KnownFact,
): boolean {
  const record = shard.source(subject, 'Coverage', coverage);
  if (record === undefined || Date.parse(record.provenance.recorded) > checkedAt) return true;
  return status === 'active' && deniedSince(shard, subject, checkedAt);
}

/** CARC 26 and 27: before coverage began, and after it ended. */
const NOT_COVERED = new Set(['26', '27']);
const TYPES = ['ExplanationOfBenefit', 'ClaimResponse'];

function deniedSince(shard: ViewShard, subject: Subject, since: number): boolean {
  const area = { subject, sections: new Map([['financial' as const, 'full' as const]]) };
  return shard
    .facts(area, TYPES)
    .slice(0, CLAIMS_MAX)
    .some(({ uri }) => {
      const parsed = parseUri(uri);
      if (parsed?.kind !== 'source') return false;
      const claim = shard.source(subject, parsed.type, parsed.id);
      if (claim === undefined || Date.parse(claim.provenance.recorded) <= since) return false;
      return reasonsOf(claim.resource ?? {}).some((code) => NOT_COVERED.has(code));
    });
}

function reasonsOf({ item, adjudication, error }: JsonObject): string[] {
  const all = [
    ...objectsOf(adjudication),
    ...objectsOf(item).flatMap((one) => objectsOf(one.adjudication)),
  ];
  const reasons = all.flatMap(({ reason }) => codeOf(reason) ?? []);
  return [...reasons, ...objectsOf(error).flatMap(({ code }) => codeOf(code) ?? [])];
}
