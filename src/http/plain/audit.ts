import { once } from 'node:events';
import type { Express, Request, Response } from 'express';
import { REPORT_YEARS } from '../../contract/audit/reports.ts';
import { Fault } from '../../kernel/errors.ts';
import type { Caller } from '../../twin/reader/index.ts';
import type { HttpParts } from '../parts.ts';
import { sendJson } from '../respond.ts';
import type { Guarded } from './guarded.ts';
import { integerOf, queryOf, wrong } from './query.ts';

const PAGE_MAX = 500;
const PAGE = 200;
const CURSOR = /^(\d{1,15})\.([a-z2-7]{26})\.(\d{1,15})$/;
const MEMBER = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/;
const YEARS_MS = REPORT_YEARS * 366 * 86_400_000;

/**
 * The audit for whoever answers for privacy: scope `audit:read`, and privacy officer of the caller's
 * tenant. Whatever is given out is a record itself, before the first byte.
 */
export function auditRoutes(app: Express, parts: HttpParts, guarded: Guarded): void {
  const { auditDesk: desk } = parts;
  app.get(
    '/v1/audit/verify',
    guarded('audit', async (req, res, caller) => {
      queryOf(req, []);
      await requireOfficer(parts, caller, ['admin', 'privacy_officer']);
      sendJson(res, 200, await desk.verify());
    }),
  );
  app.get(
    '/v1/audit/disclosures/:member',
    guarded('audit', async (req, res, caller) => await disclosures(parts, req, res, caller)),
  );
  app.get(
    '/v1/audit/review',
    guarded('audit', async (req, res, caller) => {
      const period = periodOf(parts, queryOf(req, ['from', 'to']));
      await requireOfficer(parts, caller);
      await given(parts, caller, 'access review', [`organization:${caller.principal.tenant}`]);
      sendJson(res, 200, await desk.review(caller.principal.tenant, period));
    }),
  );
  app.get(
    '/v1/audit/events',
    guarded('audit', async (req, res, caller) => {
      const query = queryOf(req, ['from', 'to', 'member']);
      const period = periodOf(parts, query);
      const { tenant } = caller.principal;
      await requireOfficer(parts, caller);
      if (query.member !== undefined) await ownMember(parts, caller, query.member);
      await given(parts, caller, 'export of AuditEvents', whatOf(tenant, query.member));
      await sendLines(res, desk.events(tenant, period, query.member), 'application/fhir+ndjson');
    }),
  );
  app.get(
    '/v1/audit/rows',
    guarded('audit', async (req, res, caller) => {
      queryOf(req, []);
      const { tenant } = caller.principal;
      await requireOfficer(parts, caller);
      await given(parts, caller, 'export of rows', whatOf(tenant));
      await sendLines(res, desk.rows(tenant), 'application/x-ndjson');
    }),
  );
  app.get(
    '/v1/audit/checkpoints',
    guarded('audit', async (req, res, caller) => {
      queryOf(req, []);
      await requireOfficer(parts, caller, ['admin', 'privacy_officer']);
      sendJson(res, 200, { checkpoints: await desk.checkpoints() });
    }),
  );
}

async function disclosures(
  parts: HttpParts,
  req: Request,
  res: Response,
  caller: Caller,
): Promise<void> {
  const query = queryOf(req, ['from', 'to', 'limit', 'cursor']);
  const period = periodOf(parts, query);
  const limit = integerOf('limit', query.limit, 1, PAGE_MAX) ?? PAGE;
  const cursor = cursorOf(query.cursor);
  const member = String(req.params.member);
  const { tenant } = caller.principal;
  await requireOfficer(parts, caller);
  await ownMember(parts, caller, member);
  await given(parts, caller, 'accounting of disclosures', whatOf(tenant, member));
  const page = { ...period, limit, ...(cursor && { cursor }) };
  sendJson(res, 200, await parts.auditDesk.disclosures(tenant, member, page));
}

/** @throws Fault NOT_FOUND, once the refusal is in the audit; a scope never grants (design §5). */
async function requireOfficer(
  { access, audit }: HttpParts,
  caller: Caller,
  relations: readonly string[] = ['privacy_officer'],
): Promise<void> {
  const object = { type: 'organization', id: caller.principal.tenant };
  const items = relations.map((permission) => ({ permission, object }));
  const decisions = await access.check(caller.principal, items);
  if (decisions.some(({ allowed }) => allowed)) return;
  const what = [{ uri: `organization:${object.id}` }];
  const why = `${relations.join(' or ')} of the organization`;
  await audit.append({ ...{ action: 'audit', outcome: 'denied', ...caller }, what, why });
  throw new Fault('NOT_FOUND');
}

/** Of another tenant is as if there were none. */
async function ownMember(
  { memberTenant, audit }: HttpParts,
  caller: Caller,
  member: string,
): Promise<void> {
  const own = memberTenant(member);
  // Nobody knows of a member who was forgotten; what is kept of this tenant's rows is shown.
  if (MEMBER.test(member) && (own === undefined || own === caller.principal.tenant)) return;
  const what = [{ uri: `member:${member}` }];
  const why = 'of another tenant, or no id';
  await audit.append({ ...{ action: 'audit', outcome: 'denied', ...caller }, what, why });
  throw new Fault('NOT_FOUND');
}

async function given(
  { audit }: HttpParts,
  caller: Caller,
  what: string,
  uris: readonly string[],
): Promise<void> {
  await audit.append({
    ...{ action: 'audit', outcome: 'success', ...caller },
    what: uris.map((uri) => ({ uri })),
    why: `${what}: scope audit:read, privacy officer of the organization`,
  });
}

function whatOf(tenant: string, member?: string): string[] {
  return [
    member === undefined ? `organization:${tenant}` : `mcp://twins/member/${member}/access-log`,
  ];
}

/** Six years to now where nothing is said; `to` is not included. */
function periodOf(
  { clock }: HttpParts,
  { from, to }: Partial<Record<'from' | 'to', string>>,
): { from: number; to: number } {
  const end = timeOf('to', to) ?? clock.now() + 1;
  const begin = timeOf('from', from) ?? Math.max(0, end - YEARS_MS);
  if (begin > end) throw wrong('from', 'is after to');
  return { from: begin, to: end };
}

function timeOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const isTime = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?Z)?$/.test(text);
  const ms = isTime ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw wrong(name, 'must be a date, or a time in UTC, of ISO 8601');
  return ms;
}

function cursorOf(text: string | undefined) {
  if (text === undefined) return undefined;
  const [, at, generation, index] = CURSOR.exec(text) ?? [];
  if (generation === undefined) throw wrong('cursor', 'must be the next of another page');
  return { at: Number(at), generation, index: Number(index) };
}

/** Line by line, as fast as the client reads. What fails midway breaks the connection off. */
async function sendLines(
  res: Response,
  values: AsyncIterable<unknown>,
  type: string,
): Promise<void> {
  const gone = once(res, 'close');
  let begun = false;
  try {
    for await (const value of values) {
      if (!begun) res.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' });
      begun = true;
      if (res.destroyed) return;
      if (!res.write(`${JSON.stringify(value)}\n`)) await Promise.race([once(res, 'drain'), gone]);
    }
  } catch (error) {
    if (!begun) throw error;
    res.destroy();
    throw error;
  }
  if (!begun) res.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' });
  res.end();
}
