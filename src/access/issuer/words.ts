import { TRUST_WORDS, TRUSTS } from '../../contract/agents.ts';
import { SCOPES } from '../../contract/scopes.ts';
import { SECTIONS } from '../../contract/uris.ts';

/** Kinds of login (`acr`): picking a made-up person, and a code of the server's terminal. */
export const ACR = {
  demo: 'urn:digital-twin:acr:demo',
  code: 'urn:digital-twin:acr:code',
} as const;

/** The grant of RFC 8693 §2.1. */
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

/** What each scope lets a program do, as a sentence that goes on from “It may”. */
const SCOPE_WORDS: Readonly<Record<string, string>> = {
  'twin:read': 'read every section of the health records that you may read',
  'twin:read:profile': 'read names, contact and preferences',
  'twin:read:coverage': 'read insurance plans and benefits',
  'twin:read:care': 'read care plans, appointments and tasks',
  'twin:read:clinical': 'read conditions, medicines, results and visits',
  'twin:read:financial': 'read claims and what is owed',
  'twin:search': 'search in them',
  'twin:chat': 'have questions about them answered',
  'twin:subscribe': 'be told when they change',
  'eligibility:check': 'ask the insurer what is covered, which may cost a fee',
  'sessions:write': 'begin sessions and set down tasks',
  'sources:write': 'add and change health records of the organization',
  'relations:write': 'decide who may see whose records',
  'agents:manage': 'decide which agents you trust, and with what',
  breakglass: 'open a record in an emergency, which is told to the privacy officer',
  'twin:deidentified': 'take the records of many, without what names anybody',
  'audit:read': 'read who saw what',
  admin: 'run the installation: flags, dead letters, replays, snapshots',
  'events:publish:call.accepted': 'tell members that their video visit was accepted',
  'events:publish:call.ready': 'tell members that their video visit can begin',
  'events:publish:call.ended': 'tell members that their video visit is over',
  'events:publish:call.join': 'call members to their video visit',
  'events:publish:call.extend': 'offer members more time in their video visit',
  'events:publish:sessions.service-request.created': 'tell of new requests for services',
  'events:publish:sessions.service-request.updated': 'tell of changed requests for services',
  'events:publish:sessions.task.created': 'tell of new tasks',
  'events:publish:sessions.task.updated': 'tell of changed tasks',
  'events:publish:sessions.task.completed': 'tell of tasks that are done',
  'events:publish:sessions.care.updated': 'tell of changes in care plans and teams',
};

export function scopeWords(scope: string): string {
  return SCOPE_WORDS[scope] ?? scope;
}

/** What a made-up person may give: their own records, and asking about them. */
const WEAK: ReadonlySet<string> = new Set([
  'twin:read',
  ...SECTIONS.map((section) => `twin:read:${section}`),
  'twin:search',
  'twin:chat',
  'twin:subscribe',
  'eligibility:check',
  'sessions:write',
]);

/** Whatever else there is concerns others: nobody gets it by picking a name. */
export const isStrong = (scope: string): boolean => !WEAK.has(scope);

export const KNOWN_SCOPES: ReadonlySet<string> = new Set(SCOPES);

/** What an agent may be trusted with: relation of SpiceDB, and its words. */
export const TRUST: Readonly<Record<string, { relation: string; says: string }>> =
  Object.fromEntries(
    TRUSTS.filter((one) => one !== 'all').map((one) => [
      one,
      { relation: `agent_${one}`, says: TRUST_WORDS[one] },
    ]),
  );

/** Scopes of `wanted` that `held` covers: `twin:read` contains those of each section. */
export function coveredScopes(held: ReadonlySet<string>, wanted: readonly string[]): string[] {
  const sections = new Set(SECTIONS.map((section) => `twin:read:${section}`));
  return wanted.filter(
    (scope) => held.has(scope) || (sections.has(scope) && held.has('twin:read')),
  );
}
