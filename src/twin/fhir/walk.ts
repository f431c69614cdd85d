import { isObject } from '../../kernel/json.ts';

/** What a walk over a resource finds; contained resources are part of it. */
export interface Found {
  /** `Type/id` of every reference that points out of the resource, each once. */
  readonly references: ReadonlySet<string>;
  /** `system|code` of every coding. */
  readonly codings: ReadonlySet<string>;
  /** Texts of concepts, displays and notes. */
  readonly texts: ReadonlySet<string>;
}

const LITERAL = /^[A-Z][A-Za-z]+\/[A-Za-z0-9-]+$/;

/** One walk over all elements of a resource. The intake bounds how deep they nest. */
export function walk(resource: unknown): Found {
  const references = new Set<string>();
  const codings = new Set<string>();
  const texts = new Set<string>();
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) {
      for (const one of value) if (typeof one === 'object') visit(one);
    }
    if (!isObject(value)) return;
    const { reference, code, system, display, text } = value;
    if (typeof reference === 'string' && LITERAL.test(reference)) references.add(reference);
    if (typeof code === 'string') {
      codings.add(`${typeof system === 'string' ? system : ''}|${code}`);
    }
    if (typeof display === 'string') texts.add(display);
    if (typeof text === 'string') texts.add(text);
    for (const key in value) {
      const member = value[key];
      if (typeof member === 'object') visit(member);
    }
  };
  visit(resource);
  return { references, codings, texts };
}

export function referencesIn(resource: unknown): ReadonlySet<string> {
  return walk(resource).references;
}
