import type { CheckRequest, CheckState, CheckStep } from '../../twin/ports.ts';

const AT = 1_790_000_000_000;
let count = 0;

/** With all that a request can have. */
export const WHOLE_REQUEST: CheckRequest = {
  ...{ tenant: 'demo', member: 'demo-ana', coverage: 'demo-ana-coverage', payer: '60054' },
  ...{ serviceTypes: ['30', 'MH'], provider: '1999999984', serviceDate: '2026-11-30' },
  ...{ mode: 'REQUIRE_FRESH', class: 'async', session: 'abc', dedupeKey: 'key', actor: 'user:ana' },
  until: AT + 60_000,
};

export function acceptedStep(checkId: string, request: CheckRequest = WHOLE_REQUEST): CheckStep {
  return { ...stepOf(checkId, 'accepted'), request, attempt: 0 };
}

export function stepOf(
  checkId: string,
  state: CheckState,
  more: Partial<CheckStep> = {},
): CheckStep {
  count += 1;
  const about = { checkId, tenant: 'demo', member: 'demo-ana' };
  return {
    eventId: `${checkId}-${state}-${count}`,
    at: AT + count,
    ...about,
    state,
    attempt: 0,
    ...more,
  };
}
