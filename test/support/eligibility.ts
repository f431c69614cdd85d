import assert from 'node:assert/strict';
import type { CheckAnswer, CheckReport } from '../../src/contract/eligibility.ts';
import { startSimulator } from '../../src/eligibility/simulator/server.ts';
import { sleep, systemClock } from '../../src/kernel/clock.ts';
import type { TestServer } from './server.ts';

/** The clearinghouse of a test, which counts what it sees. */
export interface TestClearinghouse {
  readonly url: string;
  /** Environment of servers that ask it. */
  readonly env: Readonly<Record<string, string>>;
  seen(): Promise<{ inFlight: number; inFlightMax: number; checks: number; refused: number }>;
  set(controls: Readonly<Record<string, unknown>>): Promise<void>;
  stop(): Promise<void>;
}

/**
 * With more slots than servers may take, so that one too many is seen and not refused.
 * @param scale of time: 0.05 makes 20 s of a payer one
 */
export async function testClearinghouse(slots: number, scale: number): Promise<TestClearinghouse> {
  const simulator = await startSimulator({ clock: systemClock, slots: 1_000, timeScale: scale });
  const control = async (method: string, body?: object) => {
    const init = { method, ...(body !== undefined && { body: JSON.stringify(body) }) };
    const response = await fetch(`${simulator.url}/_simulator`, init);
    return await response.json();
  };
  return {
    url: simulator.url,
    env: {
      CLEARINGHOUSE_URL: simulator.url,
      ELIGIBILITY_SLOTS: String(slots),
      CLEARINGHOUSE_TIMEOUT_MS: String(Math.ceil(90_000 * scale) + 500),
    },
    seen: async () => (await control('GET')) as Awaited<ReturnType<TestClearinghouse['seen']>>,
    set: async (controls) => void (await control('PUT', controls)),
    stop: simulator.stop,
  };
}

export const memberAt = (index: number): string => `elig-${index}`;

/** Members with a plan of the simulated payers, whom `as` may ask about. */
export async function membersWithPlans(
  server: TestServer,
  count: number,
  as: string,
): Promise<void> {
  const entry = Array.from({ length: count }, (_, index) => entriesOf(index)).flat();
  const bundle = { resourceType: 'Bundle', type: 'transaction', entry };
  const response = await server.importBundle(JSON.stringify(bundle));
  assert.ok(response.ok, await response.text());
  const related = Array.from({ length: count }, (_, index) => {
    return `member:${memberAt(index)}#self@user:${as}`;
  });
  await server.relations('touch', ...related);
}

function entriesOf(index: number): object[] {
  const member = memberAt(index);
  const patient = {
    ...{ resourceType: 'Patient', id: member, birthDate: '1980-01-01' },
    name: [{ family: `Sim${index}`, given: ['Sam'] }],
  };
  const coverage = {
    ...{ resourceType: 'Coverage', id: `${member}-coverage`, status: 'active' },
    beneficiary: { reference: `Patient/${member}` },
    subscriberId: `SIM${index}`,
    relationship: { coding: [{ code: 'self' }] },
    payor: [{ display: `Simulated Payer ${(index % 8) + 1}` }],
  };
  return [patient, coverage].map((resource) => ({
    resource,
    request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` },
  }));
}

const tokens = new Map<string, string>();

/** Each server of a development cluster has an issuer of its own. */
async function tokenOf(server: TestServer, as: string): Promise<string> {
  const key = `${as} ${server.url}`;
  const known =
    tokens.get(key) ?? (await server.token(as, { scope: 'twin:read eligibility:check' }));
  tokens.set(key, known);
  return known;
}

/** One that was accepted, by the first of these that takes it: each may end, or be without a journal. */
export async function ask(
  servers: readonly TestServer[],
  as: string,
  body: Readonly<Record<string, unknown>>,
): Promise<CheckAnswer> {
  for (let tries = 0; ; tries += 1) {
    const server = servers[tries % servers.length] ?? assert.fail();
    const response = await posted(server, as, body).catch(() => undefined);
    if (response?.ok) return (await response.json()) as CheckAnswer;
    const status = response?.status;
    // A grant that was written on one instance is known on the other a moment later.
    assert.ok(status === undefined || status >= 500 || status === 404, await response?.text());
    assert.ok(tries < 300, `not accepted: ${status}`);
    await sleep(100);
  }
}

async function posted(
  server: TestServer,
  as: string,
  body: Readonly<Record<string, unknown>>,
): Promise<Response> {
  return await server.fetch(await tokenOf(server, as), '/v1/eligibility/checks', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(5_000),
  });
}

/** How a check stands, as this server tells it now. */
export async function look(
  server: TestServer,
  as: string,
  id: string,
): Promise<CheckReport | undefined> {
  const token = await tokenOf(server, as);
  const response = await server.fetch(token, `/v1/eligibility/checks/${id}`).catch(() => undefined);
  return response?.ok ? ((await response.json()) as CheckReport) : undefined;
}

/** How it ended. */
export async function ended(server: TestServer, as: string, id: string): Promise<CheckReport> {
  for (let tries = 0; ; tries += 1) {
    const report = await look(server, as, id);
    if (report !== undefined && report.status !== 'processing') return report;
    assert.ok(tries < 600, `check ${id} has not ended: ${JSON.stringify(report)}`);
    await sleep(100);
  }
}

export async function decides(server: TestServer): Promise<boolean> {
  const token = await server.token('operator', { scope: 'admin' });
  const response = await server.fetch(token, '/v1/eligibility/status');
  return ((await response.json()) as { decides: boolean }).decides;
}
