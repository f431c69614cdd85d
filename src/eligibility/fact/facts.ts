import type { HoldingIntake, Place } from '../../twin/ports.ts';
import type { CheckOf, Facts, Outcome, Recorded } from '../ports.ts';
import { answerFacts, type Fact, type Part, stateFact } from './resource.ts';
import { statusOf } from './status.ts';

export interface FactsParts {
  readonly intake: Pick<HoldingIntake, 'submitRecord'>;
  /** Seals a place for readers. */
  readonly positionOf: (place: Place) => string;
  /** Keyed hash in lower-case letters and digits: record ids stand in URIs and say nothing. */
  readonly keyOf: (text: string) => string;
  readonly payerName: (id: string) => string | undefined;
}

/** Source system of what payers say. */
export const SOURCE = 'eligibility';

/**
 * What came of checks, as records of the member. One set of records for each coverage and question:
 * a later answer takes the place of the earlier one, and a refusal stands beside the last answer
 * without touching it.
 */
export function createFacts(parts: FactsParts): Facts {
  return {
    async record(about, outcome) {
      const named = { payerName: parts.payerName(about.payer) };
      if (outcome.kind !== 'answered') {
        const state = stateFact(about, outcome, named);
        return append(parts, about, [state], kindOf(outcome), 'unknown');
      }
      const { answer } = outcome;
      const status = statusOf(answer, about.serviceTypes);
      return append(parts, about, answerFacts(about, answer, named), 'answered', status);
    },
    processing(about) {
      const named = { payerName: parts.payerName(about.payer) };
      const state = stateFact(about, undefined, named);
      return append(parts, about, [state], 'processing', 'processing');
    },
  };
}

/** A late answer comes after a time-out of the same check, and is another event. */
function kindOf(outcome: Outcome): string {
  return outcome.kind === 'unavailable' ? `unavailable-${outcome.why}` : outcome.kind;
}

async function append(
  { intake, positionOf, keyOf }: FactsParts,
  { tenant, member, coverage, payer, serviceTypes, checkId }: CheckOf,
  facts: readonly Fact[],
  kind: string,
  status: Recorded['status'],
): Promise<Recorded> {
  const ids = recordIds({ tenant, member, coverage, payer, serviceTypes }, keyOf);
  let last: Place | undefined;
  for (const { part, resource } of facts) {
    const id = ids[part];
    const written = await intake.submitRecord({
      tenant,
      subject: { kind: 'member', id: member },
      type: 'CoverageEligibilityResponse',
      id,
      resource: { ...resource, id },
      names: {},
      provenance: { source: SOURCE, actor: 'system:eligibility' },
      eventId: `rte ${checkId} ${kind} ${part}`,
    });
    last = 'held' in written ? undefined : written;
  }
  return { status, ...(last !== undefined && { position: positionOf(last) }) };
}

/** Where what came of a question stands: its records have the same ids each time. */
export function recordIds(
  {
    tenant,
    member,
    coverage,
    payer,
    serviceTypes,
  }: Pick<CheckOf, 'tenant' | 'member' | 'payer' | 'serviceTypes'> & {
    readonly coverage?: string | undefined;
  },
  keyOf: FactsParts['keyOf'],
): Readonly<Record<Part, string>> {
  const of = JSON.stringify([tenant, member, coverage ?? payer, serviceTypes.toSorted()]);
  const answer = `rte-${keyOf(of)}`;
  return { answer, raw: `${answer}-raw`, state: `${answer}-state` };
}
