import type { Section } from '../contract/uris.ts';
import type { CheckItem, ObjectRef, SourceRecord, Subject } from './ports.ts';

/** `member:demo-ana`: the partition key, and the subject part of record keys. */
export function subjectKey(subject: Subject): string {
  return `${subject.kind}:${subject.id}`;
}

export function subjectOf(key: string): Subject {
  const colon = key.indexOf(':');
  return { kind: key.slice(0, colon) as Subject['kind'], id: key.slice(colon + 1) };
}

/** `tenant/member:demo-ana/Condition/c1`: what the log is compacted by. */
export function recordKey(
  record: Pick<SourceRecord, 'tenant' | 'subject' | 'type' | 'id'>,
): string {
  return `${record.tenant}/${subjectKey(record.subject)}/${record.type}/${record.id}`;
}

/** The partition key: the bare member id (design §6: murmur2(member id)), so outside producers agree. */
export function partitionKey(subject: Subject): string {
  return subject.id;
}

export function memberObject(member: string): ObjectRef {
  return { type: 'member', id: member };
}

export function viewSection(member: string, section: Section): CheckItem {
  return { permission: `view_${section}`, object: memberObject(member) };
}

export function viewSensitive(member: string): CheckItem {
  return { permission: 'view_sensitive', object: memberObject(member) };
}
