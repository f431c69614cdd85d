/** Small FHIR bundles for the tests of this room. */

import type { BundleSubmission } from '../../twin/ports.ts';

type Resource = { readonly resourceType: string; readonly id: string } & Record<string, unknown>;

export function patient(id: string, more: Record<string, unknown> = {}): Resource {
  return {
    resourceType: 'Patient',
    id,
    name: [{ family: 'Rivera', given: ['Ana'] }],
    birthDate: '1970-05-01',
    ...more,
  };
}

export function condition(
  id: string,
  member: string,
  text: string,
  lastUpdated?: string,
): Resource {
  return {
    resourceType: 'Condition',
    id,
    ...(lastUpdated !== undefined && { meta: { lastUpdated } }),
    subject: { reference: `Patient/${member}` },
    code: { text },
  };
}

export function encounter(id: string, member: string, practitioner: string): Resource {
  return {
    resourceType: 'Encounter',
    id,
    status: 'finished',
    class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
    subject: { reference: `Patient/${member}` },
    participant: [{ individual: { reference: `Practitioner/${practitioner}` } }],
  };
}

export function practitioner(id: string, family: string): Resource {
  return {
    resourceType: 'Practitioner',
    id,
    identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: `npi-${id}` }],
    name: [{ family, given: ['Eve'] }],
  };
}

export function bundleOf(...resources: readonly Resource[]): Uint8Array {
  const entry = resources.map((resource) => ({
    resource,
    request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` },
  }));
  return bytes({ resourceType: 'Bundle', type: 'transaction', entry });
}

/** Entries that are decided one by one. */
export function collectionOf(...resources: readonly Resource[]): Uint8Array {
  const entry = resources.map((resource) => ({ resource }));
  return bytes({ resourceType: 'Bundle', type: 'collection', entry });
}

export function linesOf(...lines: readonly unknown[]): Uint8Array {
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
  return new TextEncoder().encode(text.join('\n'));
}

export function deletionOf(...urls: readonly string[]): Uint8Array {
  const entry = urls.map((url) => ({ request: { method: 'DELETE', url } }));
  return bytes({ resourceType: 'Bundle', type: 'transaction', entry });
}

let events = 0;

export function submission(
  json: Uint8Array,
  more: Partial<BundleSubmission> = {},
): BundleSubmission {
  events += 1;
  const eventId = `event-${events}`;
  return { tenant: 'demo', source: 'ehr', actor: 'user:operator', eventId, json, ...more };
}

export function bytes(bundle: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(bundle));
}
