import { ID_PATTERN, SESSION_PATTERN } from '../contract/uris.ts';
import { Fault } from '../kernel/errors.ts';
import type { ObjectRef, RelationChange, Relationship } from '../twin/ports.ts';
import { printRelation } from './relations-text.ts';
import type { RelationFilter } from './spicedb/engine.ts';
import { escapeId } from './spicedb/ids.ts';
import { INTERNAL_TYPES, type SchemaWords, type SubjectRule } from './spicedb/schema.ts';

/** Ids that others give: any text, escaped for SpiceDB. */
const FREE_IDS: ReadonlySet<string> = new Set(['user', 'agent', 'client', 'moment']);

/** SpiceDB's bound of an object id, after escaping. */
const OBJECT_ID_CHARS_MAX = 1_024;
/** With Z or an offset: a local time would end at another instant on another machine. */
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

/**
 * Holds a change against the words of the schema.
 * @throws Fault INVALID_ARGUMENT naming the part that is wrong.
 */
export function validateChange(words: SchemaWords, change: RelationChange, nowMs: number): void {
  const { relationship, operation } = change;
  if (operation !== 'touch' && operation !== 'delete') {
    throw new Fault('INVALID_ARGUMENT', { detail: 'A change is a touch or a delete.' });
  }
  const rule = validateWords(words, relationship);
  if (operation === 'touch') {
    validateExpiration(relationship, rule, nowMs);
    validateStart(relationship);
  }
}

export function validateFilter(words: SchemaWords, filter: RelationFilter): void {
  const type = INTERNAL_TYPES.has(filter.type) ? undefined : words.get(filter.type);
  if (type === undefined) throw unknown('resource type', filter.type, [...words.keys()]);
  if (filter.relation !== undefined && !type.relations.has(filter.relation)) {
    throw unknown('relation', filter.relation, [...type.relations.keys()]);
  }
  if (filter.id !== undefined) validateId('resource', { type: filter.type, id: filter.id });
}

function validateWords(words: SchemaWords, relationship: Relationship): SubjectRule {
  const { resource, relation, subject } = relationship;
  validateFilter(words, { ...resource, relation });
  const rules = words.get(resource.type)?.relations.get(relation) ?? [];
  const rule = rules.find((one) => one.type === subject.type);
  if (rule === undefined) {
    const known = rules.map((one) => one.type);
    throw unknown('subject type', subject.type, known);
  }
  if (subject.relation !== undefined) {
    throw new Fault('INVALID_ARGUMENT', {
      detail: `The subject of ${resource.type}#${relation} is a ${rule.type}, without a relation.`,
    });
  }
  validateId('subject', subject);
  return rule;
}

function validateExpiration(relationship: Relationship, rule: SubjectRule, nowMs: number): void {
  const { expiresAt, resource, relation } = relationship;
  const name = `${resource.type}#${relation}`;
  const says = (detail: string): Fault => new Fault('INVALID_ARGUMENT', { detail });
  if (expiresAt === undefined) {
    if (rule.expiration === 'required') throw says(`${name} needs an expiration.`);
    return;
  }
  if (rule.expiration === 'never') throw says(`${name} cannot have an expiration.`);
  const atMs = instantOf(expiresAt);
  if (atMs === undefined) {
    throw says('The expiration is not an instant in ISO 8601 with its zone.');
  }
  if (atMs <= nowMs) throw says(`The expiration of ${printRelation(relationship)} has passed.`);
}

/** A start that has passed is no start: the relationship is there at once. */
function validateStart({ startsAt, expiresAt }: Relationship): void {
  if (startsAt === undefined) return;
  const says = (detail: string): Fault => new Fault('INVALID_ARGUMENT', { detail });
  const atMs = instantOf(startsAt);
  if (atMs === undefined) throw says('The start is not an instant in ISO 8601 with its zone.');
  if (expiresAt !== undefined && atMs >= Date.parse(expiresAt)) {
    throw says('The relation would end before it begins.');
  }
}

function instantOf(text: string): number | undefined {
  const atMs = INSTANT.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : atMs;
}

function validateId(part: 'resource' | 'subject', ref: ObjectRef): void {
  if (idFits(ref)) return;
  throw new Fault('INVALID_ARGUMENT', {
    detail: `The ${part} is not a valid id of a ${ref.type}.`,
  });
}

function idFits({ type, id }: ObjectRef): boolean {
  if (typeof id !== 'string' || id.length === 0) return false;
  if (type === 'session') return SESSION_PATTERN.test(id);
  if (!FREE_IDS.has(type)) return ID_PATTERN.test(id);
  return id.isWellFormed() && escapeId(id).length <= OBJECT_ID_CHARS_MAX;
}

function unknown(part: string, given: string, known: readonly string[]): Fault {
  const names = known.filter((name) => !INTERNAL_TYPES.has(name)).join(', ');
  return new Fault('INVALID_ARGUMENT', {
    detail: `Unknown ${part} ${JSON.stringify(String(given).slice(0, 64))}; known: ${names}.`,
  });
}
