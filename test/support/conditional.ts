import assert from 'node:assert/strict';
import { readDocument } from './ask.ts';
import { patient } from './changes.ts';
import type { TestServer } from './server.ts';

/** A member's Patient record as readers get it. */
export function patientUri(member: string): string {
  return `mcp://twins/member/${member}/profile/Patient/${member}`;
}

export interface Answer {
  readonly status: number;
  readonly body: {
    readonly position?: string;
    readonly error?: { readonly code: string; readonly data?: { readonly etag?: string } };
  };
}

/** Writes the member's Patient with a family name, if what the headers say is so. */
export async function writePatient(
  server: TestServer,
  member: string,
  family: string,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  const token = await server.token('operator', { scope: 'sources:write' });
  const response = await server.fetch(token, '/v1/sources?source=editor', {
    method: 'POST',
    headers: { 'content-type': 'application/fhir+json', ...headers },
    body: JSON.stringify(patient(member, { name: [{ family }] })),
  });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

/** What a reader sees now, with no position named: the family name and the etag. */
export async function familyOf(server: TestServer, as: string, member: string) {
  const { data, etag } = await readDocument(server, await server.token(as), patientUri(member));
  const { resource } = data as { resource?: { name?: { family?: string }[] } };
  assert.ok(resource !== undefined);
  return { family: resource.name?.[0]?.family, etag };
}
