import type { Json, JsonObject } from '../../kernel/json.ts';
import { objectOf, objectsOf, stringOf } from '../../twin/fhir/elements.ts';
import type { FormFault, StatedDate } from '../model.ts';
import { codeOf, decimalOf, isDay, textOf } from '../x12/values.ts';
import type { Names } from './codes.ts';

/** One object of an answer, its place, and where its faults are told. */
export class Node {
  readonly #json: JsonObject;
  readonly path: string;
  readonly faults: FormFault[];

  constructor(json: Json | undefined, path: string, faults: FormFault[]) {
    this.#json = objectOf(json);
    this.path = path;
    this.faults = faults;
  }

  at(key: string): Node {
    return new Node(this.#json[key], this.#pathOf(key), this.faults);
  }

  /** The objects of a list; a single object counts as a list of one. */
  list(key: string): Node[] {
    const path = this.#pathOf(key);
    return objectsOf(this.#json[key])
      .slice(0, LIST_MAX)
      .map((one, index) => new Node(one, `${path}[${index}]`, this.faults));
  }

  text(key: string): string | undefined {
    const said = this.#json[key];
    return textOf(typeof said === 'number' ? String(said) : stringOf(said));
  }

  texts(key: string): string[] {
    const said = this.#json[key];
    return (Array.isArray(said) ? said : [said]).flatMap((one) => textOf(stringOf(one)) ?? []);
  }

  code(key: string): string | undefined {
    return codeOf(this.text(key));
  }

  /** A decimal as it was sent; what is none is told and left out. */
  decimal(key: string): string | undefined {
    const said = this.text(key);
    const number = decimalOf(said);
    if (said !== undefined && number === undefined) {
      this.faults.push({ code: 'unreadable-value', path: this.#pathOf(key) });
    }
    return number;
  }

  /** The X12 code of a spelled-out word. */
  named(key: string, names: Names): string | undefined {
    return names.codeOf(this.text(key));
  }

  has(key: string): boolean {
    return this.#json[key] !== undefined && this.#json[key] !== null;
  }

  /** `{start, end}` of ISO dates. */
  range(key: string, qualifier: string): StatedDate | undefined {
    if (!this.has(key)) return undefined;
    const node = this.at(key);
    const start = node.text('start') ?? node.text('end');
    const end = node.text('end');
    const ok = start !== undefined && isDay(start) && (end === undefined || isDay(end));
    if (!ok || (end !== undefined && end < start)) {
      this.faults.push({ code: 'unreadable-value', path: node.path });
      return undefined;
    }
    return { qualifier, start, ...(end !== undefined && end !== start && { end }) };
  }

  #pathOf(key: string): string {
    return this.path === '' ? key : `${this.path}.${key}`;
  }
}

/** No published answer comes near. */
const LIST_MAX = 20_000;

/** X12 HSD as it would be sent, without what is empty at its end. */
export function lineOf(...elements: readonly (string | undefined)[]): string[] {
  const line = elements
    .map((one) => one ?? '')
    .join('*')
    .replace(/\*+$/, '');
  return line === '' ? [] : [line];
}
