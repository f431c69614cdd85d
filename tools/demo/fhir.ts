/** Builders of the FHIR R4 resources that the demo members are made of. Nothing depends on today. */

export type Resource = Record<string, unknown> & { resourceType: string; id: string };

const SYSTEMS = {
  snomed: 'http://snomed.info/sct',
  icd10: 'http://hl7.org/fhir/sid/icd-10-cm',
  rxnorm: 'http://www.nlm.nih.gov/research/umls/rxnorm',
  loinc: 'http://loinc.org',
  cvx: 'http://hl7.org/fhir/sid/cvx',
  ucum: 'http://unitsofmeasure.org',
} as const;
export const HL7 = 'http://terminology.hl7.org/CodeSystem';
export const OURS = 'https://demo.digital-twin.example';

/** When the demo's sources last touched their records; an update must be younger. */
export const UPDATED = '2026-10-01T08:00:00Z';

export const reference = (type: string, id: string): { reference: string } => ({
  reference: `${type}/${id}`,
});

/** `snomed:44054006 Type 2 diabetes` as a CodeableConcept. */
export function concept(text: string): Record<string, unknown> {
  const [, system = '', code = '', display = ''] = /^(\w+):(\S+) (.+)$/.exec(text) ?? [];
  const uri = SYSTEMS[system as keyof typeof SYSTEMS];
  if (uri === undefined) throw new Error(`no code: ${text}`);
  return { coding: [{ system: uri, code, display }], text: display };
}

export const coded = (system: string, code: string, text?: string): Record<string, unknown> => ({
  coding: [{ system: `${HL7}/${system}`, code, ...(text !== undefined && { display: text }) }],
  ...(text !== undefined && { text }),
});

export function resource(type: string, id: string, body: Record<string, unknown>): Resource {
  return { resourceType: type, id, meta: { lastUpdated: UPDATED }, ...body };
}

/** Substance use disorder treatment, 42 CFR Part 2: stands in the full variant only. */
export function protectedRecord(record: Resource): Resource {
  const system = `${HL7}/v3-ActCode`;
  const security = [{ system, code: 'ETH', display: 'substance abuse information sensitivity' }];
  return { ...record, meta: { lastUpdated: UPDATED, security } };
}

/** A transaction that puts each resource at its own id; the directory comes first. */
export function bundle(resources: readonly Resource[]): Record<string, unknown> {
  return {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: resources.map((one) => ({
      fullUrl: `${OURS}/fhir/${one.resourceType}/${one.id}`,
      resource: one,
      request: { method: 'PUT', url: `${one.resourceType}/${one.id}` },
    })),
  };
}

export const quantity = (value: number, unit: string, code = unit): Record<string, unknown> => ({
  value,
  unit,
  system: SYSTEMS.ucum,
  code,
});

export const usd = (value: number): { value: number; currency: string } => ({
  value,
  currency: 'USD',
});

/** Whose records are built; their ids all start with the member's short name. */
export interface Records {
  id(part: string): string;
  readonly subject: { readonly reference: string };
}

export function recordsOf(name: string, memberId: string): Records {
  return { id: (part) => `${name}-${part}`, subject: reference('Patient', memberId) };
}
