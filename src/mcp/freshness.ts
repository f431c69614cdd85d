import { freshnessInput } from '../contract/documents.ts';
import type { CheckAnswer, CheckBody } from '../contract/eligibility.ts';
import { META } from '../contract/meta.ts';
import { missingScopes } from '../contract/scopes.ts';
import { parseUri } from '../contract/uris.ts';
import { Fault } from '../kernel/errors.ts';
import type { Caller } from '../twin/reader/index.ts';

/** Where eligibility is checked, as this room sees it. */
export interface Checks {
  check(
    caller: Caller,
    body: CheckBody,
    freshness?: { readonly maxAgeMs?: number; readonly signal?: AbortSignal },
  ): Promise<CheckAnswer>;
}

export interface Freshness {
  readonly mode?: 'PREFER_CACHE' | 'DEFAULT' | 'REQUIRE_FRESH' | undefined;
  readonly maxAgeMs?: number | undefined;
}

/** `_meta["io.digital-twin/freshness"]` of a read. @throws Fault INVALID_ARGUMENT */
export function freshnessOf(
  meta: Readonly<Record<string, unknown>> | undefined,
): Freshness | undefined {
  const value = meta?.[META.freshness];
  if (value === undefined) return undefined;
  const parsed = freshnessInput.safeParse(value);
  if (parsed.success) return parsed.data;
  const detail = `_meta["${META.freshness}"] must be { mode?, maxAgeMs? }.`;
  throw new Fault('INVALID_ARGUMENT', { detail });
}

/**
 * Starts a check where what is known is not fresh enough; the read goes on, and whoever is subscribed
 * is told of the answer. Nothing is checked that was not asked for.
 * @throws Fault INVALID_ARGUMENT for another document, INSUFFICIENT_SCOPE, NOT_FOUND
 */
export async function freshen(
  checks: Checks | undefined,
  caller: Caller,
  rawUri: string,
  freshness: Freshness | undefined,
  signal?: AbortSignal,
): Promise<CheckAnswer | undefined> {
  if (freshness === undefined) return undefined;
  const uri = parseUri(rawUri);
  if (uri?.kind !== 'section' || uri.section !== 'coverage') {
    const detail = 'freshness concerns coverage documents only; leave it out.';
    throw new Fault('INVALID_ARGUMENT', { detail });
  }
  if (checks === undefined) {
    const detail =
      'freshness: this server makes no eligibility checks; leave it out to read what is known.';
    throw new Fault('INVALID_ARGUMENT', { detail });
  }
  const scopes = missingScopes(caller.principal.scopes, 'eligibility');
  if (scopes.length > 0) throw new Fault('INSUFFICIENT_SCOPE', { data: { scopes } });
  const { mode, maxAgeMs } = freshness;
  const body = { member: uri.member, ...(mode !== undefined && { mode }) };
  return await checks.check(caller, body, {
    ...(maxAgeMs !== undefined && { maxAgeMs }),
    ...(signal !== undefined && { signal }),
  });
}

/** What the answer says of it: in `_meta`, and for models in a sentence. */
export function freshnessMeta(answer: CheckAnswer | undefined): Record<string, unknown> {
  if (answer === undefined) return {};
  const { checkId, status, ageMs, expectedWaitMs } = answer;
  return {
    [META.freshness]: { checkId, status, expectedWaitMs, ...(ageMs !== undefined && { ageMs }) },
  };
}

export function freshnessSentence({ checkId, status, expectedWaitMs }: CheckAnswer): string {
  const seconds = Math.ceil(expectedWaitMs / 1_000);
  if (status !== 'processing') return 'What the payer said is fresh enough; nothing was asked.';
  return (
    `An eligibility check is under way (${checkId}); its answer comes in about ${seconds} s, as a ` +
    'change of this document. What stands here was known before.'
  );
}
