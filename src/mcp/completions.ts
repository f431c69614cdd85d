import type { Server } from '@modelcontextprotocol/server';
import { isSection, PRACTITIONER_SECTIONS, SECTIONS, type Section } from '../contract/uris.ts';
import { Fault } from '../kernel/errors.ts';
import { LIMITS } from '../kernel/limits.ts';
import { createRate, type Rate } from '../kernel/rate.ts';
import { principalKey } from '../twin/principals.ts';
import { type Caller, isShown } from '../twin/reader/index.ts';
import { protocolErrorOf } from './faults.ts';
import { type CompleteParams, type Completer, callerOf, type McpParts } from './parts.ts';
import { PROMPTS } from './prompts/index.ts';
import { TEMPLATES } from './resources.ts';

/** Where `changes/{cursor}` can begin; every other cursor comes out of a page. */
const CURSORS = ['now', 'start'];
/** What documents link to most; the rest is found by search. */
const TYPES = [
  'AllergyIntolerance',
  'CarePlan',
  'Claim',
  'Condition',
  'Coverage',
  'Encounter',
  'ExplanationOfBenefit',
  'Immunization',
  'MedicationRequest',
  'Observation',
  'Procedure',
];

type Params = CompleteParams;
type Values = readonly string[] | Promise<readonly string[]>;
type Source = (params: Params, parts: McpParts, caller: Caller) => Values;

/** By argument: members and practitioners are those that the caller may see, and nobody else. */
const SOURCES: Readonly<Record<string, Source>> = {
  memberId: members,
  member: members,
  practitionerId: practitioners,
  section: ({ ref }) =>
    'uri' in ref && ref.uri.includes('/practitioner/') ? PRACTITIONER_SECTIONS : SECTIONS,
  type: () => TYPES,
  cursor: () => CURSORS,
};

/**
 * Completions of template and prompt arguments, `completion/complete`. Ids come from a look-up of
 * what the caller may read: an id that they may not see and one that does not exist complete to
 * the same nothing, and there is no total to count by (security.md §1.5 F9).
 */
export function createCompleter(parts: McpParts): Completer {
  const rate = createRate(parts.clock, LIMITS.completions);
  return async (caller, params) => {
    take(rate, caller);
    const { name, value } = params.argument;
    const known = argumentsOf(params.ref);
    if (known === undefined) throw new Fault('INVALID_ARGUMENT', { detail: 'No such reference.' });
    const source = known.includes(name) ? SOURCES[name] : undefined;
    const all = source === undefined ? [] : await source(params, parts, caller);
    const begun = all.filter((one) => one.toLowerCase().startsWith(value.toLowerCase()));
    const values = begun.slice(0, LIMITS.completionValuesMax);
    return { completion: { values, hasMore: begun.length > values.length } };
  };
}

export function registerCompletions(server: Server, parts: McpParts, complete: Completer): void {
  server.registerCapabilities({ completions: {} });
  server.setRequestHandler('completion/complete', async ({ params }, ctx) => {
    const caller = callerOf(ctx);
    try {
      return await complete(caller, params);
    } catch (error) {
      throw protocolErrorOf(parts, error, caller.correlationId);
    }
  });
}

function take(rate: Rate, { principal }: Caller): void {
  if (rate.take(principalKey(principal))) return;
  throw new Fault('RATE_LIMITED', { detail: 'Too many completions; wait a second.' });
}

/** The arguments of a template or prompt; `undefined` where there is none of that name. */
function argumentsOf(ref: Params['ref']): readonly string[] | undefined {
  if (ref.type === 'ref/prompt') return PROMPTS.find(({ name }) => name === ref.name)?.arguments;
  const template = TEMPLATES.find(({ uriTemplate }) => uriTemplate === ref.uri)?.uriTemplate;
  return template?.match(/(?<={)\w+(?=})/g) ?? undefined;
}

async function members(params: Params, parts: McpParts, caller: Caller): Promise<string[]> {
  const section = sectionOf(params);
  if (!isShown(caller.principal, section)) return [];
  const permission = `view_${section}`;
  const ids = await parts.access.lookup(caller.principal, permission, 'member');
  return await offered(parts, caller, params, ids, (id) => `mcp://twins/member/${id}/${section}`);
}

async function practitioners(params: Params, parts: McpParts, caller: Caller): Promise<string[]> {
  const ids = await parts.access.lookup(caller.principal, 'view_profile', 'practitioner');
  return await offered(
    parts,
    caller,
    params,
    ids,
    (id) => `mcp://twins/practitioner/${id}/profile`,
  );
}

/** Whom a caller is told of is in the audit, as in a list. */
async function offered(
  { audit }: McpParts,
  caller: Caller,
  { argument }: Params,
  ids: readonly string[],
  uriOf: (id: string) => string,
): Promise<string[]> {
  const begun = ids.filter((id) => id.toLowerCase().startsWith(argument.value.toLowerCase()));
  const told = begun.sort().slice(0, LIMITS.completionValuesMax + 1);
  await audit.append({
    action: 'list',
    outcome: 'success',
    ...caller,
    what: told.slice(0, LIMITS.completionValuesMax).map((id) => ({ uri: uriOf(id) })),
    why: 'view permissions by lookup',
  });
  return told;
}

/** The section that the URI would name, where the client has said it already. */
function sectionOf({ context, ref }: Params): Section {
  const named = context?.arguments?.section ?? '';
  if (isSection(named)) return named;
  return ref.type === 'ref/prompt' && ref.name === 'coverage-explained' ? 'coverage' : 'profile';
}
