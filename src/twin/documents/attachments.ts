import type { JsonObject } from '../../kernel/json.ts';
import { objectsOf, stringOf, valuesAt } from '../fhir/elements.ts';

const PLACES: Readonly<Record<string, string>> = {
  DocumentReference: 'content.attachment',
  DiagnosticReport: 'presentedForm',
  Media: 'content',
  Communication: 'payload.contentAttachment',
};

/** Plain-text attachments of a record, decoded. */
export function attachmentTexts(resource: JsonObject): string[] {
  const place = PLACES[stringOf(resource.resourceType) ?? ''];
  const attachments = place === undefined ? [] : valuesAt(resource, place);
  return attachments.flatMap(({ contentType, data }) => {
    const encoded = stringOf(data);
    const plain = stringOf(contentType)?.startsWith('text/') ?? false;
    return plain && encoded !== undefined ? [Buffer.from(encoded, 'base64').toString('utf8')] : [];
  });
}

/** What people wrote beside the elements: notes and conclusions. */
export function noteTexts(resource: JsonObject): string[] {
  const notes = objectsOf(resource.note).flatMap(({ text }) => stringOf(text) ?? []);
  return [
    ...notes,
    ...[resource.conclusion, resource.description].flatMap((t) => stringOf(t) ?? []),
  ];
}
