/**
 * What is asked of a payer and what it answers, in one model for every shape of the wire: X12
 * 270/271 (005010X279A1), and the clearinghouse's JSON of 2024-04-01 and of 2026-06-01. Codes are
 * those of X12, as sent; amounts, percents and counts stay the decimal strings that they were.
 */

/** What is asked; holds health information, so it never goes into a log, key or error. */
export interface Question {
  /** Payer id of the clearinghouse, such as `60054`. */
  readonly payer: string;
  readonly provider: Provider;
  readonly subscriber: Person;
  /** Where the patient is not the subscriber; a question is about one patient. */
  readonly dependent?: Dependent;
  /** X12 service type codes, one to 99; many payers answer the first one only. */
  readonly serviceTypes: readonly [string, ...string[]];
  /** ISO date; absent for today, which is the payer's today. */
  readonly serviceDate?: string;
  /** Our opaque reference, given back by batches; at most 36 characters. */
  readonly reference?: string;
}

export interface Provider {
  /** Ten digits. */
  readonly npi: string;
  /** Of the organization that asks. */
  readonly name: string;
}

export interface Person {
  readonly memberId?: string;
  readonly firstName?: string;
  readonly lastName?: string;
  /** ISO date. */
  readonly dateOfBirth?: string;
}

export interface Dependent extends Person {
  /** X12 individual relationship code: `01` spouse, `19` child … */
  readonly relationship?: string;
}

/** The wire that an answer came by. */
export type Shape = 'x12-271' | 'json-2024-04-01' | 'json-2026-06-01';

/** All that a payer said, lossless: what has no place of its own here stands in `raw`. */
export interface Answer {
  readonly shape: Shape;
  /** As it came, to the byte of its text. */
  readonly raw: string;
  /** The clearinghouse's name of this check, such as `ec_…`. */
  readonly checkId?: string;
  /** Traces of payer and clearinghouse (TRN02, traceId), as they came. */
  readonly traceIds: readonly string[];
  readonly payer: { readonly id?: string; readonly name?: string };
  readonly subscriber?: Told;
  readonly dependent?: Told;
  /** Dates that hold for the plan as a whole. */
  readonly dates: readonly StatedDate[];
  readonly benefits: readonly Benefit[];
  readonly rejections: readonly Rejection[];
  /** What was wrong with the answer's form; it was read nevertheless. */
  readonly faults: readonly FormFault[];
}

/** What the payer says of a person, which may differ from what it was asked about. */
export interface Told extends Person {
  readonly groupNumber?: string;
  readonly groupName?: string;
  readonly planName?: string;
}

/** One EB loop (2110C or 2110D). Absent is what the payer left out; `0` is a value. */
export interface Benefit {
  /** Where it stands in `raw`: `segment 21`, `benefitsInformation[4]` … */
  readonly path: string;
  /** EB01: `1` active, `C` deductible … */
  readonly code: string;
  /** EB02: `IND`, `FAM` … */
  readonly level?: string;
  /** EB03, each repetition. */
  readonly serviceTypes: readonly string[];
  /** EB04. */
  readonly insuranceType?: string;
  /** EB05. */
  readonly planName?: string;
  /** EB06: `23` calendar year, `24` year to date, `29` remaining … */
  readonly period?: string;
  /** EB07, decimal, US dollars. */
  readonly amount?: string;
  /** EB08, a decimal fraction: `0.2` is 20 %. */
  readonly percent?: string;
  /** EB09. */
  readonly quantityKind?: string;
  /** EB10, decimal. */
  readonly quantity?: string;
  /** EB11: `Y`, `N`, `U`. */
  readonly authorization?: string;
  /** EB12: `Y` in network, `N` out of it, `W` both alike, `U` unknown; about the benefit, not the provider. */
  readonly network?: string;
  /** EB13, its components joined by `:`. */
  readonly procedure?: string;
  /** DTP of this benefit. */
  readonly dates: readonly StatedDate[];
  /** MSG: decides between benefits that else look alike. */
  readonly messages: readonly string[];
  /** HSD, its elements as sent, joined by `*`. */
  readonly deliveries: readonly string[];
  /** III: places of service and the like. */
  readonly places: readonly string[];
  /** Loop 2120: other payers, primary care, whom to ask. */
  readonly related: readonly Related[];
}

export interface StatedDate {
  /** DTP01: `291` plan, `346` plan begin, `356` eligibility begin … */
  readonly qualifier: string;
  /** ISO dates; `end` absent for a single day. */
  readonly start: string;
  readonly end?: string;
}

export interface Related {
  /** NM101: `PR` payer, `P3` primary care, `VN` vendor … */
  readonly role: string;
  readonly name?: string;
  /** NM109. */
  readonly id?: string;
  /** Phone, web, mail: PER. */
  readonly contacts: readonly string[];
}

/** Loops where a payer may refuse. */
export type Loop = 'payer' | 'provider' | 'subscriber' | 'dependent' | 'unknown';

/** An AAA segment. */
export interface Rejection {
  /** AAA03, such as `75`. */
  readonly code: string;
  /** AAA04, such as `C`; absent where the payer gave none. */
  readonly followUp?: string;
  readonly loop: Loop;
  /** Where it stands in `raw`. */
  readonly path: string;
}

/** A fault of form: a word of ours and a place, never the content. */
export interface FormFault {
  readonly code:
    | 'not-an-interchange'
    | 'segment-count'
    | 'control-number'
    | 'set-count'
    | 'missing-trailer'
    | 'unknown-version'
    | 'several-patients'
    | 'unreadable-segment'
    | 'unreadable-value'
    | 'too-long';
  readonly path: string;
}
