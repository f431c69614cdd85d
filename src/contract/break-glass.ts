/** Break-glass: what people, officers, pages and commands say and hear of it (docs/break-glass.md). */

/**
 * Why somebody opens a record in an emergency: codes of HL7 v3 PurposeOfUse and ActReason with our
 * words for them, which the member reads. Whoever comes with another code is refused.
 */
export const BREAK_GLASS_REASONS = {
  BTG: 'break the glass: urgent need, and no other way to the record',
  ETREAT: 'treatment in an emergency',
  ERTREAT: 'treatment in an emergency department',
  TREAT: 'urgent treatment, while the usual right is missing',
  THREAT: 'a threat to the life or safety of somebody',
  PUBHLTH: 'an urgent matter of public health',
  DISASTER: 'a disaster',
} as const;

export type BreakGlassReason = keyof typeof BREAK_GLASS_REASONS;
export const REASON_CODES = Object.keys(BREAK_GLASS_REASONS) as readonly BreakGlassReason[];

export const REVIEW_OUTCOMES = ['justified', 'not-justified'] as const;
export type ReviewOutcome = (typeof REVIEW_OUTCOMES)[number];

export const BREAK_GLASS_FILTERS = ['open', 'unreviewed', 'all'] as const;
export type BreakGlassFilter = (typeof BREAK_GLASS_FILTERS)[number];

/** Over plain HTTP; over MCP it is `_meta["io.digital-twin/breakGlass"]`. */
export const BREAK_GLASS_HEADER = 'break-glass';

/**
 * Of an answer: whose record is open to the caller by break-glass. What this instance has not been
 * told of yet is left out; that it is by break-glass never is.
 */
export interface BreakGlassBanner {
  readonly member: string;
  readonly id?: string;
  /** A code of `BREAK_GLASS_REASONS`. */
  readonly reason?: string;
  /** ISO 8601 in UTC, whole seconds: until this instant. */
  readonly until?: string;
}

/** What the opening answers. */
export interface BreakGlassOpened {
  readonly id: string;
  readonly member: string;
  /** ISO 8601 in UTC, whole seconds. */
  readonly until: string;
}

export interface BreakGlassReview {
  readonly outcome: ReviewOutcome;
  readonly text?: string;
  readonly by: string;
  /** ISO 8601 */
  readonly at: string;
}

/** One case, for its person and for the privacy officers of its tenant. */
export interface BreakGlassCase extends BreakGlassOpened {
  /** Who opened it: a subject id, plain. */
  readonly person: string;
  readonly client: string;
  readonly reason: string;
  /** The person's own words. */
  readonly text: string;
  /** ISO 8601 */
  readonly opened: string;
  readonly state: 'open' | 'ended';
  /** When it ended before its time, and by whom; absent where its own time ended it. */
  readonly ended?: string;
  readonly endedBy?: string;
  readonly review?: BreakGlassReview;
}

export interface BreakGlassPage {
  /** Newest first. */
  readonly cases: readonly BreakGlassCase[];
  /** For `cursor`, where there are more. */
  readonly next?: string;
}

/** What the member is told of the reason. */
export function reasonWords(code: string): string {
  return BREAK_GLASS_REASONS[code as BreakGlassReason] ?? 'an emergency';
}

/** One sentence for people and models that see no `_meta`. */
export function bannerSentence({ member, until, reason }: BreakGlassBanner): string {
  const why = reason === undefined ? '' : ` (${reason}, ${reasonWords(reason)})`;
  const end = until === undefined ? '' : ` until ${until}`;
  return (
    `BREAK-GLASS: the record of ${member} is open to you${end} for an emergency${why}. ` +
    'Each look is recorded, told to the member, and reviewed by the privacy officer.'
  );
}
