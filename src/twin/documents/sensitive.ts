/**
 * Which records are specially protected (contract "variant"): by label, by a code or word on the
 * list, by referring to such a record, or as free text about the same encounter. When unsure: yes.
 */

import type { JsonObject } from '../../kernel/json.ts';
import { objectOf, objectsOf, stringOf } from '../fhir/elements.ts';
import { type Found, walk } from '../fhir/walk.ts';
import { attachmentTexts } from './attachments.ts';
import list from './sensitive.json' with { type: 'json' };

const CONFIDENTIALITY = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';
const ACT_CODE = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';

/** The label that a record takes over from a protected record of the directory. */
export const RESTRICTED: JsonObject = { system: CONFIDENTIALITY, code: 'R' };

const LABELS: ReadonlySet<string> = new Set(list.labels);
/** `system|code`, and `|code` for codings that name no system. */
const CODES: ReadonlySet<string> = new Set(
  list.categories.flatMap(({ codes }) =>
    Object.entries(codes).flatMap(([system, entries]) =>
      entries.map(codeOnly).flatMap((code) => [`${system}|${code}`, `|${code}`]),
    ),
  ),
);
const PREFIXES: ReadonlyMap<string, readonly string[]> = prefixesBySystem();
const WORDS = new RegExp(
  `\\b(?:${list.categories.flatMap(({ words }) => words.map(pattern)).join('|')})`,
  'i',
);

function codeOnly(entry: string): string {
  return entry.slice(0, entry.indexOf(' '));
}

/** `pregnan*` matches a beginning of a word, everything else whole words. */
function pattern(word: string): string {
  return word.endsWith('*') ? word.slice(0, -1) : `${word}\\b`;
}

function prefixesBySystem(): Map<string, string[]> {
  const all = new Map<string, string[]>();
  for (const { prefixes } of list.categories) {
    for (const [system, entries] of Object.entries(prefixes)) {
      all.set(system, [...(all.get(system) ?? []), ...entries]);
    }
  }
  return all;
}

/** Whether the record is protected by itself, contained resources included. */
export function isProtected(resource: JsonObject): boolean {
  return protectedBy(resource, walk(resource), { isListed, says });
}

interface Rules {
  readonly isListed: (coding: string) => boolean;
  readonly says: (text: string) => boolean;
}

function protectedBy(resource: JsonObject, { codings, texts }: Found, rules: Rules): boolean {
  return isLabelled(resource) || some(codings, rules.isListed) || some(texts, rules.says);
}

function isLabelled(resource: JsonObject): boolean {
  return [resource, ...objectsOf(resource.contained)].some((one) =>
    objectsOf(objectOf(one.meta).security).some(({ code }) => LABELS.has(stringOf(code) ?? '')),
  );
}

/** A `system|code` of the list, or a label inside the record (DocumentReference, Consent). */
function isListed(coding: string): boolean {
  const bar = coding.lastIndexOf('|');
  const system = coding.slice(0, bar);
  const code = coding.slice(bar + 1);
  if (system === CONFIDENTIALITY || system === ACT_CODE) return LABELS.has(code);
  if (CODES.has(coding)) return true;
  return PREFIXES.get(system)?.some((prefix) => code.startsWith(prefix)) ?? false;
}

function says(text: string): boolean {
  return WORDS.test(text);
}

function some(texts: ReadonlySet<string>, test: (text: string) => boolean): boolean {
  for (const text of texts) if (test(text)) return true;
  return false;
}

/** The same codes and texts come back in many records of a member. */
function remembered(test: (text: string) => boolean): (text: string) => boolean {
  const known = new Map<string, boolean>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const answer = test(text);
    known.set(text, answer);
    return answer;
  };
}

/** What the closure needs of a record. */
export interface Candidate {
  /** `Type/id`. */
  readonly key: string;
  readonly resource: JsonObject;
  readonly names: Readonly<Record<string, string>>;
}

/** Keys of the protected records among one member's, by themselves or through each other. */
export function protectedKeys(records: readonly Candidate[]): Set<string> {
  const found = new Map(records.map(({ key, resource }) => [key, walkOnce(resource)] as const));
  const referrers = referrersOf(found);
  const keys = new Set<string>();
  const rules = { isListed: remembered(isListed), says: remembered(says) };
  for (const record of records) {
    if (isProtectedAlone(record, rules)) spread(record.key, referrers, keys);
  }
  for (const key of tellingNotes(records, found, keys)) spread(key, referrers, keys);
  return keys;
}

/** By resources of the log, which nobody changes in place. */
const WALKED = new WeakMap<JsonObject, Found>();

function walkOnce(resource: JsonObject): Found {
  const found = WALKED.get(resource) ?? walk(resource);
  WALKED.set(resource, found);
  return found;
}

const ALONE = new WeakMap<Candidate, boolean>();

/** By what it says itself, whatever it refers to. */
function isProtectedAlone(record: Candidate, rules: Rules): boolean {
  const before = ALONE.get(record);
  if (before !== undefined) return before;
  const { resource, names } = record;
  const named = Object.values(names).some(rules.says);
  const answer = named || protectedBy(resource, walkOnce(resource), rules);
  ALONE.set(record, answer);
  return answer;
}

function referrersOf(found: ReadonlyMap<string, Found>): Map<string, string[]> {
  const referrers = new Map<string, string[]>();
  for (const [key, { references }] of found) {
    for (const reference of references) {
      const known = referrers.get(reference);
      if (known === undefined) referrers.set(reference, [key]);
      else known.push(key);
    }
  }
  return referrers;
}

/** Whatever refers to a protected record is protected, transitively. */
function spread(
  from: string,
  referrers: ReadonlyMap<string, readonly string[]>,
  keys: Set<string>,
): void {
  const open = [from];
  while (open.length > 0) {
    const key = open.pop() as string;
    if (keys.has(key)) continue;
    keys.add(key);
    open.push(...(referrers.get(key) ?? []));
  }
}

/**
 * Notes carry no codes for what they say: one is protected when its encounter has a protected
 * record, when it says a word of the list, or names what a protected record is about.
 */
function tellingNotes(
  records: readonly Candidate[],
  found: ReadonlyMap<string, Found>,
  keys: ReadonlySet<string>,
): string[] {
  const encounters = new Set<string>();
  const subjects = new Set<string>();
  for (const { key } of records) {
    if (!keys.has(key)) continue;
    for (const reference of found.get(key)?.references ?? []) {
      if (reference.startsWith('Encounter/')) encounters.add(reference);
    }
    for (const text of found.get(key)?.texts ?? []) {
      const plain = text.replace(/\s*\([^)]*\)\s*$/, '').toLowerCase();
      if (key.startsWith('Condition/') && plain.length >= WORD_CHARS_MIN) subjects.add(plain);
    }
  }
  return records.flatMap(({ key, resource }) => {
    const texts = keys.has(key) ? [] : textsOnce(resource);
    if (texts.length === 0) return [];
    const own = found.get(key)?.references ?? new Set();
    const together = !own.isDisjointFrom(encounters);
    return together || saysOnce(resource, texts) || names(texts, subjects) ? [key] : [];
  });
}

const TEXTS = new WeakMap<JsonObject, readonly string[]>();

function textsOnce(resource: JsonObject): readonly string[] {
  const texts = TEXTS.get(resource) ?? attachmentTexts(resource);
  TEXTS.set(resource, texts);
  return texts;
}

/** Shorter names would be found in any text. */
const WORD_CHARS_MIN = 5;

function names(texts: readonly string[], subjects: ReadonlySet<string>): boolean {
  if (subjects.size === 0) return false;
  return texts
    .map((text) => text.toLowerCase())
    .some((text) => [...subjects].some((subject) => text.includes(subject)));
}

const SAYS = new WeakMap<JsonObject, boolean>();

function saysOnce(resource: JsonObject, texts: readonly string[]): boolean {
  const answer = SAYS.get(resource) ?? texts.some(says);
  SAYS.set(resource, answer);
  return answer;
}
