/** A stretch of time that a question names: ISO dates, the first and the last day of it. */
export interface Period {
  readonly from: string;
  readonly to: string;
  /** As an answer says it: "in 2025", "since 2020". */
  readonly says: string;
}

const MONTHS =
  'january february march april may june july august september october november december';
const MONTH = `(${MONTHS.split(' ')
  .map((name) => `${name.slice(0, 3)}(?:${name.slice(3)})?`)
  .join('|')})`;
const YEAR = '((?:19|20)\\d\\d)';
const NUMBERS: Readonly<Record<string, number>> = {
  one: 1,
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  ten: 10,
  twelve: 12,
};
const DAY_MS = 86_400_000;
const UNIT_DAYS: Readonly<Record<string, number>> = { day: 1, week: 7, month: 30.44, year: 365.25 };

type Rule = readonly [RegExp, (found: readonly string[], today: string) => Period];

const RULES: readonly Rule[] = [
  [/\b((?:19|20)\d\d-\d\d-\d\d)\b/, ([day = '']) => ({ from: day, to: day, says: `on ${day}` })],
  [
    new RegExp(`\\bbetween ${YEAR} and ${YEAR}\\b|\\bfrom ${YEAR} (?:to|until|through) ${YEAR}\\b`),
    (found) => {
      const [from = '', to = ''] = found.filter((one) => one !== undefined);
      return { from: `${from}-01-01`, to: `${to}-12-31`, says: `from ${from} to ${to}` };
    },
  ],
  [
    new RegExp(`\\b${MONTH}\\.? (?:of )?${YEAR}\\b`),
    ([name = '', year = '']) => {
      const at = MONTHS.split(' ').findIndex((month) => month.startsWith(name.slice(0, 3))) + 1;
      const month = `${year}-${String(at).padStart(2, '0')}`;
      return { from: `${month}-01`, to: `${month}-31`, says: `in ${month}` };
    },
  ],
  [
    new RegExp(`\\b(?:since|after) ${YEAR}\\b`),
    ([year = ''], today) => ({ from: `${year}-01-01`, to: today, says: `since ${year}` }),
  ],
  [
    new RegExp(`\\bbefore ${YEAR}\\b`),
    ([year = '']) => ({ from: '', to: `${Number(year) - 1}-12-31`, says: `before ${year}` }),
  ],
  [new RegExp(`\\b${YEAR}\\b(?!-)`), ([year = '']) => wholeYear(year)],
  [/\bthis (?:calendar )?year\b|\byear to date\b/, (_, today) => wholeYear(today.slice(0, 4))],
  [
    /\blast (?:calendar )?year\b|\bprevious year\b/,
    (_, today) => wholeYear(String(Number(today.slice(0, 4)) - 1)),
  ],
  [
    /\b(?:past|last|previous) (\d{1,3}|one|two|three|four|five|six|ten|twelve) (day|week|month|year)s?\b/,
    ([count = '', unit = ''], today) => {
      const days = (NUMBERS[count] ?? Number(count)) * (UNIT_DAYS[unit] ?? 1);
      const from = new Date(Date.parse(today) - days * DAY_MS).toISOString().slice(0, 10);
      return { from, to: today, says: `since ${from}` };
    },
  ],
];

/** The period that a folded question names, and the question without its words. */
export function periodIn(text: string, today: string): { period?: Period; rest: string } {
  for (const [pattern, read] of RULES) {
    const match = pattern.exec(text);
    if (match === null) continue;
    return { period: read(match.slice(1), today), rest: text.replace(match[0], ' ') };
  }
  return { rest: text };
}

function wholeYear(year: string): Period {
  return { from: `${year}-01-01`, to: `${year}-12-31`, says: `in ${year}` };
}
