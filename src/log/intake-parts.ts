import type {
  AddressedBundle,
  BundleEntry,
  Homeless,
  KnownRecords,
  Submission,
} from '../twin/fhir/records.ts';
import { sourceEtags } from '../twin/source-etags.ts';
import type { Said } from './decider.ts';
import type { DeciderState } from './decider-state.ts';
import type { DecidingRules } from './identity.ts';
import { knownRecords } from './known.ts';
import type { Refusals } from './refusals.ts';
import type { WaitingRoom } from './waiting.ts';

/** What is made of a submission before the decider sees it (twin/fhir). */
export interface SubmissionReader {
  readSubmission(json: Uint8Array, format?: 'json' | 'ndjson'): Submission;
  addressBundle(entries: readonly BundleEntry[], known: KnownRecords): AddressedBundle;
  addressEach(
    entries: readonly BundleEntry[],
    known: KnownRecords,
  ): { readonly addressed: AddressedBundle; readonly homeless: readonly Homeless[] };
}

export interface IntakeParts {
  readonly state: DeciderState;
  readonly rules: DecidingRules;
  readonly reader: SubmissionReader;
  readonly room: WaitingRoom;
  readonly refusals: Refusals;
}

export function knownOf({ state, rules }: IntakeParts, { tenant, provenance }: Said): KnownRecords {
  return knownRecords(state, rules, tenant, provenance.source);
}

/** As readers of the same deployment get them. */
export function etagsOf({ rules }: IntakeParts): Said['etagsOf'] {
  return (record) => sourceEtags(rules.etagKey, record);
}
