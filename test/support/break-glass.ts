import type { BreakGlassCase, BreakGlassOpened } from '../../src/contract/break-glass.ts';
import type { TestServer } from './server.ts';

/** Of whoever breaks the glass and reads by it. */
export const READING = 'breakglass twin:read twin:search twin:chat twin:subscribe';
export const WORDS = 'found unconscious at the QUARTZPIT station';

export interface Answered<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T & { readonly error?: { readonly code: string; readonly message: string } };
}

export async function post<T = unknown>(
  server: TestServer,
  token: string,
  path: string,
  body: object = {},
): Promise<Answered<T>> {
  const response = await server.fetch(token, path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const { status, headers } = response;
  return { status, headers, body: (await response.json()) as Answered<T>['body'] };
}

/** A token of somebody who has just logged in with a code. */
export function fresh(server: TestServer, as: string, more: object = {}): Promise<string> {
  return server.token(as, { scope: READING, stepUp: true, ...more });
}

export function breakGlass(
  server: TestServer,
  token: string,
  member: string,
  more: object = {},
): Promise<Answered<BreakGlassOpened>> {
  const asked = { member, reason: 'ETREAT', text: WORDS, ...more };
  return post<BreakGlassOpened>(server, token, '/v1/break-glass', asked);
}

export async function casesOf(
  server: TestServer,
  token: string,
  query = '',
): Promise<BreakGlassCase[]> {
  const response = await server.fetch(token, `/v1/break-glass${query}`);
  if (!response.ok) throw new Error(`cases: ${response.status} ${await response.text()}`);
  return ((await response.json()) as { cases: BreakGlassCase[] }).cases;
}

/** Entries of a member's own access log, newest first. */
export async function entriesOf(server: TestServer, as: string, member: string) {
  const path = `/v1/twins/member/${member}/access-log`;
  const response = await server.fetch(await server.token(as), path);
  const { data } = (await response.json()) as {
    data: { entries: Record<string, string>[] };
  };
  return data.entries;
}
