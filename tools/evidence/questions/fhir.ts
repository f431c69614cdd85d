/** A small reading of FHIR bundles of its own: it shares nothing with the product that it checks. */

export interface Resource {
  readonly resourceType: string;
  readonly id: string;
  // biome-ignore lint/suspicious/noExplicitAny: elements of any profile, read and thrown away
  readonly [element: string]: any;
}

/** A bundle with what its references point to. */
export class Chart {
  readonly resources: readonly Resource[];
  private readonly byUrl: ReadonlyMap<string, Resource>;

  constructor(json: string) {
    const { entry } = JSON.parse(json) as { entry: { fullUrl?: string; resource: Resource }[] };
    this.resources = entry.map(({ resource }) => resource);
    this.byUrl = new Map(entry.map(({ fullUrl, resource }) => [fullUrl ?? '', resource]));
  }

  get patient(): Resource {
    const [patient] = this.of('Patient');
    if (patient === undefined) throw new Error('a bundle without a patient');
    return patient;
  }

  of(type: string): Resource[] {
    return this.resources.filter(({ resourceType }) => resourceType === type);
  }

  at(reference: string | undefined): Resource | undefined {
    return this.byUrl.get(reference ?? '');
  }
}

/** Text of a concept, or what its first coding displays. */
export function textOf(concept: Resource['code']): string {
  return concept?.text ?? concept?.coding?.[0]?.display ?? '';
}

export function hasCode(concept: Resource['code'], ...codes: readonly string[]): boolean {
  return (concept?.coding ?? []).some((one: { code?: string }) => codes.includes(one.code ?? ''));
}

/** By an instant of each, the newest first; what has none is left out. */
export function newest(
  resources: readonly Resource[],
  instant: (resource: Resource) => string | undefined,
): Resource[] {
  return resources
    .filter((one) => Number.isFinite(Date.parse(instant(one) ?? '')))
    .sort((a, b) => Date.parse(instant(b) ?? '') - Date.parse(instant(a) ?? ''));
}

export const day = (instant: string | undefined): string => (instant ?? '').slice(0, 10);
