import { TYPE_PATTERN } from '../../contract/uris.ts';
import { isObject, type Json, type JsonObject } from '../../kernel/json.ts';
import type { KnownRecords } from './records.ts';
import { refused } from './refusal.ts';
import { ourId, type Targets } from './targets.ts';

/** `Type/id`, alone or at the end of a URL, with or without a version. */
const LITERAL = /(?:^|\/)([A-Z][A-Za-z]{1,63})\/([A-Za-z0-9.-]{1,64})(?:\/_history\/[^/]+)?$/;
const CONDITIONAL = /^([A-Z][A-Za-z]{1,63})\?(.*)$/;

/** The resource with every reference as `Type/id` in our ids (FHIR R4 §2.36.4, §3.1.0.11.2). */
export function withOurReferences(
  resource: JsonObject,
  entry: number,
  targets: Targets,
  known: KnownRecords,
): JsonObject {
  const rewrite = (value: Json, path: string): Json => {
    if (Array.isArray(value)) return value.map((one, index) => rewrite(one, `${path}[${index}]`));
    if (!isObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => {
        const at = `${path}.${key}`;
        return key === 'reference' && typeof member === 'string'
          ? [key, ourReference(member, { entry, path: at }, targets, known)]
          : [key, rewrite(member as Json, at)];
      }),
    );
  };
  return rewrite(resource, 'resource') as JsonObject;
}

interface At {
  readonly entry: number;
  readonly path: string;
}

function ourReference(text: string, at: At, targets: Targets, known: KnownRecords): string {
  if (text.startsWith('#')) return text;
  const inside = targets.byUrl.get(text);
  if (inside !== undefined) return `${inside.type}/${inside.id}`;
  if (text.startsWith('urn:')) throw unresolved(at, 'The reference points to nothing in it;');
  const [, conditionalType, query] = CONDITIONAL.exec(text) ?? [];
  if (conditionalType !== undefined && query !== undefined) {
    return conditional(conditionalType, query, at, targets, known);
  }
  const [, type, id] = LITERAL.exec(text) ?? [];
  if (type === undefined || id === undefined || !TYPE_PATTERN.test(type)) return text;
  const target = targets.bySource.get(`${type}/${id}`);
  return `${type}/${target?.id ?? ourId(type, id, known, at.entry)}`;
}

function conditional(
  type: string,
  query: string,
  at: At,
  targets: Targets,
  known: KnownRecords,
): string {
  const [system, value] = identifierOf(query);
  if (value === '') throw unresolved(at, 'Only ?identifier=system|value is resolved;');
  const inside = targets.byIdentifier.get(`${type}|${system}|${value}`);
  if (inside === null) throw unresolved(at, 'Several entries carry the identifier;');
  const id = inside?.id ?? known.byIdentifier(type, system, value);
  if (id === undefined) throw unresolved(at, 'No single known record carries the identifier;');
  return `${type}/${id}`;
}

/** System and value of `identifier=system|value`, and nothing else in the query. */
function identifierOf(query: string): [string, string] {
  const [, token] = /^identifier=([^&]+)$/.exec(query) ?? [];
  if (token === undefined) return ['', ''];
  const plain = decoded(token);
  const bar = plain.indexOf('|');
  return [plain.slice(0, Math.max(bar, 0)), plain.slice(bar + 1)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function unresolved(at: At, says: string): Error {
  return refused({
    ...at,
    reason: 'reference',
    says: `${says} import the bundle that holds it first.`,
  });
}
