import type { CheckAnswer, CheckReport } from '../../contract/eligibility.ts';

const WORDS = {
  active: 'covered, by the payer',
  inactive: 'not covered, by the payer',
  unknown: 'the payer could not say',
} as const;

/** One answer for a person. */
export function answerText(answer: CheckAnswer | CheckReport): string {
  const { checkId, status, ageMs = 0, eligibility, expectedWaitMs, document, reason } = answer;
  const says = eligibility === undefined ? '' : WORDS[eligibility];
  switch (status) {
    case 'cached':
      return `${says} (asked ${agoOf(ageMs)} ago)\nread: digital-twin get ${document}`;
    case 'completed':
      return `${says}\nread: digital-twin get ${document}`;
    case 'processing':
      return (
        `under way as ${checkId}, about ${Math.ceil(expectedWaitMs / 1_000)} s\n` +
        `wait: digital-twin eligibility check --id ${checkId} --wait 60`
      );
    case 'failed':
      return `no answer: ${reason ?? 'for a reason that is not told'}\nwhat to do: digital-twin get ${document}`;
    case 'timed-out':
      return 'no answer in time; a late one still comes into the record';
  }
}

function agoOf(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return `${Math.floor(ms / 1_000)} s`;
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`;
}
