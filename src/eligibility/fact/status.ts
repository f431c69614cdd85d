import type { Answer, Benefit, StatedDate } from '../model.ts';

const ACTIVE = new Set(['1', '2', '3', '4', '5']);
const INACTIVE = new Set(['6', '7', '8']);
/** Health plan coverage: what is said of it is said of the plan. */
const PLAN = '30';

/**
 * What the payer says of the coverage. Statements about the plan, or about what was asked, count
 * before those about other services; where none is there, nothing is claimed either way.
 */
export function statusOf(
  { benefits }: Pick<Answer, 'benefits'>,
  asked: readonly string[],
): 'active' | 'inactive' | 'unknown' {
  const stated = benefits.filter(({ code }) => ACTIVE.has(code) || INACTIVE.has(code));
  const relevant = stated.filter(({ serviceTypes }) => isAbout(serviceTypes, asked));
  const counted = relevant.length > 0 ? relevant : asked.includes(PLAN) ? stated : [];
  if (counted.some(({ code }) => ACTIVE.has(code))) return 'active';
  return counted.length > 0 ? 'inactive' : 'unknown';
}

function isAbout(said: Benefit['serviceTypes'], asked: readonly string[]): boolean {
  return said.length === 0 || said.includes(PLAN) || said.some((type) => asked.includes(type));
}

/** DTP01 in the order in which they say how long the member is covered. */
const RANGES = ['307', '291'];
const BEGINS = ['356', '346', '348'];
const ENDS = ['357', '347', '349'];

/** Of the plan, or of the statement that the coverage is active. ISO dates. */
export function periodOf({
  dates,
  benefits,
}: Answer): { start?: string; end?: string } | undefined {
  const own =
    benefits.find(({ code, dates: of }) => ACTIVE.has(code) && of.length > 0)?.dates ?? [];
  const all = [...dates, ...own];
  const first = (qualifiers: readonly string[]): StatedDate | undefined =>
    qualifiers
      .map((wanted) => all.find(({ qualifier }) => qualifier === wanted))
      .find((found) => found !== undefined);
  const range = first(RANGES);
  const start = first(BEGINS)?.start ?? range?.start;
  const end = first(ENDS)?.start ?? range?.end;
  if (start === undefined && end === undefined) return undefined;
  return { ...(start !== undefined && { start }), ...(end !== undefined && { end }) };
}
