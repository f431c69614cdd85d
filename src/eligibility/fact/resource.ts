import { gzipSync } from 'node:zlib';
import type { JsonObject } from '../../kernel/json.ts';
import { isProtected } from '../../twin/documents/sensitive.ts';
import type { ResourceJson } from '../../twin/ports.ts';
import { given } from '../given.ts';
import type { Answer, Rejection } from '../model.ts';
import type { CheckOf, Outcome } from '../ports.ts';
import { type Item, itemsOf } from './items.ts';
import { periodOf, statusOf } from './status.ts';
import { isProtectedService } from './words.ts';

const OURS = 'https://digital-twin.example/fhir';
export const CHECK_SYSTEM = `${OURS}/eligibility-check`;
export const TRACE_SYSTEM = `${OURS}/eligibility-trace`;
const RESTRICTED: JsonObject = {
  system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality',
  code: 'R',
};

/** Which record of a check it is: what all may see, what only some may, how the check stands. */
export type Part = 'answer' | 'raw' | 'state';

export interface Fact {
  readonly part: Part;
  readonly resource: Omit<ResourceJson, 'id'> & { readonly resourceType: string };
}

interface Named {
  readonly payerName: string | undefined;
}

/**
 * An answer as FHIR R4 CoverageEligibilityResponse, in two records. `answer` has the benefits;
 * `raw` has what came, byte for byte, and the benefits whose use says what is specially protected.
 * `raw` is labelled as restricted and always there, so that nothing tells who may not see it whether
 * it holds more than the answer's text.
 */
export function answerFacts(about: CheckOf, answer: Answer, named: Named): Fact[] {
  const items = itemsOf(answer);
  const status = statusOf(answer, about.serviceTypes);
  const common = {
    ...commonOf(about, named, answer.traceIds, about.settledAt),
    outcome: 'complete',
  };
  const insurance = (own: readonly Item[]) => [
    {
      coverage: coverageOf(about, answer),
      ...(status !== 'unknown' && { inforce: status === 'active' }),
      ...given({ benefitPeriod: periodOf(answer) }),
      ...(own.length > 0 && { item: own.map(({ json }) => json) }),
    },
  ];
  const more = {
    ...(answer.benefits.some(({ code }) => code === 'P') && { disposition: NO_GUARANTEE }),
    ...(answer.rejections.length > 0 && { error: answer.rejections.map(errorOf) }),
  };
  const hidden = items.filter(isHidden);
  const open = items.filter((item) => !hidden.includes(item));
  const shown: Fact['resource'] = { ...common, insurance: insurance(open), ...more };
  const raw = { ...common, contained: [rawOf(answer)], meta: restricted(common.meta) };
  if (about.serviceTypes.some(isProtectedService) || isProtected(shown)) {
    return [{ part: 'raw', resource: { ...raw, insurance: insurance(items), ...more } }];
  }
  return [
    { part: 'answer', resource: shown },
    { part: 'raw', resource: { ...raw, insurance: insurance(hidden), ...more } },
  ];
}

const NO_GUARANTEE = 'The payer does not guarantee payment.';

function isHidden({ service, json }: Item): boolean {
  return (
    (service !== undefined && isProtectedService(service)) ||
    isProtected({ resourceType: 'CoverageEligibilityResponse', item: [json] })
  );
}

/** How a check stands where there is no answer: under way, refused, or nothing came. */
export function stateFact(about: CheckOf, outcome: Outcome | undefined, named: Named): Fact {
  const traces = outcome !== undefined && 'answer' in outcome ? outcome.answer.traceIds : [];
  const common = commonOf(about, named, traces, about.settledAt ?? about.askedAt);
  const isHiddenQuestion = about.serviceTypes.some(isProtectedService);
  const resource: Fact['resource'] = {
    ...common,
    ...(isHiddenQuestion && { meta: restricted(common.meta) }),
    outcome: outcome === undefined ? 'queued' : 'error',
    insurance: [{ coverage: coverageOf(about, undefined) }],
    ...(outcome !== undefined && { error: errorsOf(outcome) }),
  };
  return { part: 'state', resource };
}

function commonOf(
  { checkId, member, serviceTypes, serviceDate }: CheckOf,
  { payerName }: Named,
  traces: readonly string[],
  at = 0,
) {
  const created = new Date(at).toISOString();
  return {
    resourceType: 'CoverageEligibilityResponse',
    meta: { lastUpdated: created },
    identifier: [
      { system: CHECK_SYSTEM, value: checkId },
      ...traces.slice(0, TRACES_MAX).map((value) => ({ system: TRACE_SYSTEM, value })),
    ],
    status: 'active',
    purpose: ['benefits'],
    patient: { reference: `Patient/${member}` },
    ...(serviceDate !== undefined && { servicedDate: serviceDate }),
    created,
    request: { display: 'Eligibility check' },
    insurer: { display: payerName ?? 'Payer' },
    extension: [{ url: `${OURS}/asked-service-types`, valueString: serviceTypes.join(' ') }],
  };
}

const TRACES_MAX = 5;

function restricted(meta: JsonObject): JsonObject {
  return { ...meta, security: [RESTRICTED] };
}

function coverageOf({ coverage }: CheckOf, answer: Answer | undefined): JsonObject {
  if (coverage !== undefined) return { reference: `Coverage/${coverage}` };
  const told = answer?.dependent ?? answer?.subscriber;
  const plan = answer?.benefits.find(({ planName }) => planName !== undefined)?.planName;
  return { display: told?.planName ?? plan ?? 'Plan' };
}

/** Byte for byte: a large one is compressed, since a record has its limit. */
function rawOf({ raw, shape }: Answer): JsonObject {
  const bytes = Buffer.from(raw, 'utf8');
  const isLarge = bytes.length > RAW_BYTES_PLAIN;
  const type = shape === 'x12-271' ? 'application/edi-x12' : 'application/json';
  return {
    resourceType: 'DocumentReference',
    id: 'raw',
    status: 'current',
    content: [
      {
        attachment: {
          contentType: isLarge ? 'application/gzip' : type,
          title: `The answer as it came (${shape}${isLarge ? ', compressed' : ''})`,
          size: bytes.length,
          data: (isLarge ? gzipSync(bytes) : bytes).toString('base64'),
        },
      },
    ],
  };
}

const RAW_BYTES_PLAIN = 200_000;

function errorsOf(outcome: Outcome): JsonObject[] {
  if (outcome.kind === 'rejected') return outcome.rejections.map(errorOf);
  return [{ code: { coding: [{ system: `${OURS}/eligibility-error`, code: ownCode(outcome) }] } }];
}

function ownCode(outcome: Outcome): string {
  if (outcome.kind === 'misconfigured') return 'NOT_CONFIGURED';
  if (outcome.kind === 'throttled') return 'BUSY';
  return outcome.kind === 'unavailable' && outcome.why === 'unreadable'
    ? 'UNREADABLE'
    : 'NO_ANSWER';
}

function errorOf({ code, followUp }: Rejection): JsonObject {
  const extension = [{ url: `${OURS}/follow-up-action`, valueCode: followUp ?? '' }];
  return {
    code: { coding: [{ system: 'https://x12.org/codes/reject-reason-codes', code }] },
    ...(followUp !== undefined && { extension }),
  };
}
