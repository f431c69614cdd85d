/** Which agents act for a person, as `/v1/agents` says it. */

import { SECTIONS } from './uris.ts';

/** What an agent can be trusted with: a section, conversations, or everything (`all`). */
export const TRUSTS = ['all', ...SECTIONS, 'chat'] as const;
export type Trust = (typeof TRUSTS)[number];

/** What each is, for the person who gives it. */
export const TRUST_WORDS: Readonly<Record<Trust, string>> = {
  all: 'Everything, specially protected records and the access log too',
  profile: 'Names, contact and preferences',
  coverage: 'Insurance plans and benefits',
  care: 'Care plans, appointments and tasks',
  clinical: 'Conditions, medicines, results and visits',
  financial: 'Claims and what is owed',
  chat: 'Answering questions, and keeping sessions',
};

export interface TrustGiven {
  readonly section: Trust;
  /** ISO 8601; absent where it does not end by itself. */
  readonly until?: string;
}

export interface TrustedAgent {
  readonly agent: string;
  /** `you`: by this person, who can take it back. `organization`: by the tenant's policy. */
  readonly by: 'you' | 'organization';
  readonly sections: readonly TrustGiven[];
  /** ISO 8601, where it is known. */
  readonly since?: string;
  /** When it last asked for something of this person's record, as far as the newest entries say. */
  readonly lastSeen?: string;
  /** The operator has closed it: nothing is served to it, whatever it is trusted with. */
  readonly suspended: boolean;
}
