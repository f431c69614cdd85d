/**
 * The textual form of a relationship, as people and the command line write it:
 *
 *     member:x#self@user:ana
 *     member:x#emergency@user:eve[expiration:2026-01-01T00:00:00Z]
 *     member:x#guardian@user:eve[from:2026-01-01T00:00:00Z][expiration:2026-02-01T00:00:00Z]
 *     member:x#care_team@careteam:blue#clinician
 *
 * Ids stand in their plain form. What the form itself uses (`#`, `[`, `]`, `=`, blanks, control
 * characters) is written `=HH`, a byte of UTF-8 in upper-case hexadecimal.
 */

import { Fault } from '../kernel/errors.ts';
import type { ObjectRef, Relationship } from '../twin/ports.ts';
import { unescapeId } from './spicedb/ids.ts';

export const RELATION_TEXT_CHARS_MAX = 2_048;

const WORD = '[a-z][a-z0-9_]*';
const FORM = new RegExp(
  `^(${WORD}):([^#\\s]+)#(${WORD})@(${WORD}):([^#[\\]\\s]+)(?:#(${WORD}))?` +
    '(?:\\[from:([^\\]\\s]+)\\])?(?:\\[expiration:([^\\]\\s]+)\\])?$',
);

/** @throws Fault INVALID_ARGUMENT when the text is not a relationship. */
export function parseRelation(text: string): Relationship {
  const match = text.length <= RELATION_TEXT_CHARS_MAX ? FORM.exec(text) : null;
  if (match === null) {
    throw new Fault('INVALID_ARGUMENT', {
      detail:
        'A relation is written type:id#relation@type:id, at the end [expiration:2026-01-01T00:00:00Z]' +
        ' where it ends by itself, before that [from:2026-01-01T00:00:00Z] where it begins later;' +
        ' for example member:demo-ana#self@user:ana.',
    });
  }
  const [, type = '', id = '', relation = '', subjectType = '', subjectId = ''] = match;
  const [subjectRelation, startsAt, expiresAt] = [match[6], match[7], match[8]];
  return {
    resource: { type, id: unescapeId(id) },
    relation,
    subject: {
      type: subjectType,
      id: unescapeId(subjectId),
      ...(subjectRelation !== undefined && { relation: subjectRelation }),
    },
    ...(startsAt !== undefined && { startsAt }),
    ...(expiresAt !== undefined && { expiresAt }),
  };
}

const OBJECT = new RegExp(`^(?:(${WORD}):)?([^#[\\]\\s:]+)$`);

/** `member:demo-ana`; without a type a user, as people say it. @throws Fault INVALID_ARGUMENT */
export function parseObject(text: string): ObjectRef {
  const match = text.length <= RELATION_TEXT_CHARS_MAX ? OBJECT.exec(text) : null;
  if (match === null) {
    const detail = 'An object is written type:id, for example member:demo-ana or user:ana.';
    throw new Fault('INVALID_ARGUMENT', { detail });
  }
  return { type: match[1] ?? 'user', id: unescapeId(match[2] ?? '') };
}

export function printRelation(relationship: Relationship): string {
  const { startsAt, expiresAt } = relationship;
  const start = startsAt === undefined ? '' : `[from:${startsAt}]`;
  const end = expiresAt === undefined ? '' : `[expiration:${expiresAt}]`;
  return `${relationKey(relationship)}${start}${end}`;
}

/** What makes a relationship the same one: all of it but when it begins and ends. */
export function relationKey({ resource, relation, subject }: Relationship): string {
  const end = subject.relation === undefined ? '' : `#${subject.relation}`;
  return `${printObject(resource)}#${relation}@${printObject(subject)}${end}`;
}

export function printObject(ref: ObjectRef): string {
  return `${ref.type}:${ref.id.replaceAll(RESERVED, escapeChar)}`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it finds.
const RESERVED = /[#[\]=\s\u0000-\u001f\u007f]/gu;

function escapeChar(char: string): string {
  return [...Buffer.from(char, 'utf8')]
    .map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('');
}
