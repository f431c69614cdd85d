/** Eligibility checks as clients ask for them and hear of them (docs/eligibility.md). */

import { z } from 'zod';
import { ID_PATTERN } from './uris.ts';

export const CHECK_MODES = ['PREFER_CACHE', 'DEFAULT', 'REQUIRE_FRESH'] as const;
export type CheckMode = (typeof CHECK_MODES)[number];

export const CHECK_LIMITS = {
  serviceTypesMax: 10,
  /** How long a request may hold its caller: as long as the old, blocking way did. */
  waitMsMax: 90_000,
  idempotencyKeyCharsMax: 128,
  /** One of ours, or a batch's: 128 random bits in base32. */
  id: /^[a-z2-7]{26}$/,
} as const;

const day = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}$/)
  .refine((text) => new Date(`${text}T00:00:00Z`).toJSON()?.startsWith(text) === true);

/** `POST /v1/eligibility/checks`. */
export const checkBody = z.strictObject({
  member: z.string().regex(ID_PATTERN),
  /** Id of a Coverage record; the one that pays first where it is left out. */
  coverage: z.string().regex(ID_PATTERN).optional(),
  /** X12 service type codes; many payers answer the first one only. */
  serviceTypes: z
    .array(z.string().regex(/^[A-Z0-9]{1,3}$/))
    .min(1)
    .max(CHECK_LIMITS.serviceTypesMax)
    .optional(),
  /** National provider identifier: ten digits with their check digit. */
  provider: z.string().refine(isNpi).optional(),
  serviceDate: day.optional(),
  mode: z.enum(CHECK_MODES).optional(),
  /** For callers who cannot change yet: holds the request, bounded; falls back to 202. */
  waitMs: z.int().min(0).max(CHECK_LIMITS.waitMsMax).optional(),
  session: z.string().regex(CHECK_LIMITS.id).optional(),
  idempotencyKey: z
    .string()
    .regex(/^[\x21-\x7e]+$/)
    .max(CHECK_LIMITS.idempotencyKeyCharsMax)
    .optional(),
});
export type CheckBody = z.infer<typeof checkBody>;

export const CHECK_EXAMPLE =
  'Send { "member": "…" }, and if need be "coverage", "serviceTypes" (X12 codes, 1 to 10), ' +
  '"provider" (an NPI), "serviceDate" (YYYY-MM-DD), "mode" (PREFER_CACHE, DEFAULT or ' +
  'REQUIRE_FRESH), "waitMs" (0 to 90000), "session" and "idempotencyKey".';

export type CheckStatus = 'cached' | 'processing' | 'completed' | 'failed' | 'timed-out';

/** What a request for a check is answered with. */
export interface CheckAnswer {
  readonly checkId: string;
  readonly status: CheckStatus;
  /** Of a kept answer. */
  readonly ageMs?: number;
  /** What the payer says, where it is known by now. */
  readonly eligibility?: 'active' | 'inactive' | 'unknown';
  /** Until the answer of the payer; 0 where it is there. */
  readonly expectedWaitMs: number;
  /** URI of the document that shows the fact: subscribe to it, and be told. */
  readonly document: string;
  /** On Kafka and at the gateway. */
  readonly topic: 'rte-completion';
  /** A read that names it as `minPosition` shows at least this answer. */
  readonly position?: string;
  /** Why there is no answer: a code of ours, or an AAA code of the payer. */
  readonly reason?: string;
  /** AAA follow-up action. */
  readonly followUp?: string;
}

/** Of a check, as its journal has it. */
export type CheckState =
  | 'accepted'
  | 'queued'
  | 'running'
  | 'retrying'
  | 'completed'
  | 'failed'
  | 'timed-out';

/** `GET /v1/eligibility/checks/{id}`. */
export interface CheckReport extends CheckAnswer {
  readonly member: string;
  /** As the journal has it; `status` says the same in fewer words. */
  readonly state: CheckState;
  /** ISO 8601. */
  readonly acceptedAt: string;
  readonly changedAt: string;
  readonly attempt: number;
  /** A call before the present one may have come to the payer. */
  readonly mayHaveReachedPayer: boolean;
}

export interface BrokerClassStatus {
  readonly class: 'live' | 'async' | 'batch';
  readonly inUse: number;
  readonly waiting: number;
  /** For one that comes now, until its answer. */
  readonly expectedWaitMs: number;
}

/** `GET /v1/eligibility/status`. */
export interface BrokerStatus {
  /** Whether this instance decides; else only `open` is known here. */
  readonly decides: boolean;
  /** Checks that were accepted and have not ended. */
  readonly open: number;
  readonly slots?: { readonly inUse: number; readonly now: number; readonly most: number };
  readonly classes?: readonly BrokerClassStatus[];
  readonly payers?: readonly {
    readonly payer: string;
    readonly inUse: number;
    readonly waiting: number;
    readonly cap: number;
    readonly breaker: 'closed' | 'open' | 'half-open';
    readonly callMs: number;
  }[];
  /** Since this instance started. */
  readonly saved: {
    readonly fromCache: number;
    readonly shared: number;
    readonly asked: number;
    readonly dollars: number;
  };
}

/** 45 CFR 162.406: the last digit is the Luhn check digit of the rest with the prefix 80840. */
export function isNpi(npi: string): boolean {
  if (!/^[12]\d{9}$/.test(npi)) return false;
  const digits = [...`80840${npi}`].map(Number).reverse();
  const sum = digits.reduce((total, digit, index) => {
    const doubled = index % 2 === 0 ? digit : 2 * digit;
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return sum % 10 === 0;
}
