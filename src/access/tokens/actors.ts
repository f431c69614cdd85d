import { isObject } from '../../kernel/json.ts';
import { refused } from './refusal.ts';

/** Printable ASCII without the space: what SpiceDB ids, logs and audit can carry. */
export const SUBJECT = /^[\x21-\x7e]{1,128}$/;
/** How many have handed a token on; more is a loop. */
const ACTORS_MAX = 8;
const AGENT = 'agent:';

export function isAgent(sub: string): boolean {
  return sub.startsWith(AGENT);
}

/**
 * RFC 8693 §4.1: all actors, the outermost first. It alone decides; the ones nested inside have
 * acted before, and are kept for the record.
 * @throws Fault UNAUTHENTICATED for a chain that is malformed or too long
 */
export function actorsOf(act: unknown): string[] {
  const actors: string[] = [];
  for (let inner = act; inner !== undefined; ) {
    if (actors.length === ACTORS_MAX) throw refused(`act nests at most ${ACTORS_MAX} deep`);
    if (!isObject(inner) || typeof inner.sub !== 'string' || !SUBJECT.test(inner.sub)) {
      throw refused('act.sub is a plain string', 'OAUTH_CLAIMS names the claim act');
    }
    actors.push(agentId(inner.sub, 'act.sub'));
    inner = inner.act;
  }
  return actors;
}

/** `agent:assistant` or `assistant`. */
export function agentId(text: string, claim: string): string {
  const id = isAgent(text) ? text.slice(AGENT.length) : text;
  if (id === '' || id.startsWith('user:')) throw refused(`${claim} names an agent`);
  return id;
}
