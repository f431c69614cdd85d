import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { TestServer } from './server.ts';

export const ANA_COVERAGE = 'mcp://twins/member/demo-ana/coverage';

const UPDATE = readFileSync(
  new URL('../../resources/demo/update-ana.json', import.meta.url),
  'utf8',
);
let version = 0;

/** A bundle that changes Ana's coverage: a product that it never had, newer than the last one. */
export function nextCoverage(): { readonly bundle: string; readonly product: string } {
  version += 1;
  const product = `Demo PPO ${70_000 + version}`;
  const lastUpdated = new Date(Date.UTC(2026, 10, 21) + version * 1_000).toISOString();
  const bundle = UPDATE.replaceAll(
    /"lastUpdated": ?"[^"]+"/g,
    `"lastUpdated": "${lastUpdated}"`,
  ).replace(/"name": "Demo PPO 500"/, `"name": "${product}"`);
  assert.ok(bundle.includes(product));
  return { bundle, product };
}

/** Imports the next version; answers where it stands and what it says. */
export async function changeCoverage(server: TestServer) {
  const { bundle, product } = nextCoverage();
  const response = await server.importBundle(bundle);
  const { position } = (await response.json()) as { position: string };
  assert.equal(response.status, 201);
  return { position, product };
}

/** A transaction of records, each put under its own id. */
export function bundleOf(...resources: readonly Record<string, unknown>[]): string {
  const entry = resources.map((resource) => ({
    resource,
    request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` },
  }));
  return JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry });
}

export function patient(id: string, more: Readonly<Record<string, unknown>> = {}) {
  const name = [{ family: 'Rivera', given: ['Testa'] }];
  return { resourceType: 'Patient', id, name, birthDate: '1970-05-01', gender: 'female', ...more };
}
