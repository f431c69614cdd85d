import { objectOf, stringOf } from '../fhir/elements.ts';
import type { RecordSet } from './records.ts';

/** Which types of records were read. */
export class Reads {
  readonly #types = new Set<string>();
  #all = false;

  add(...types: readonly string[]): void {
    for (const type of types) this.#types.add(type);
  }

  addAll(): void {
    this.#all = true;
  }

  /** Whether one of these types was read. */
  touch(types: ReadonlySet<string>): boolean {
    return types.size > 0 && (this.#all || !this.#types.isDisjointFrom(types));
  }
}

/** The same set, and what is read of it from now on. */
export function tracked(set: RecordSet): { readonly set: RecordSet; readonly reads: Reads } {
  const reads = new Reads();
  const watched: RecordSet = {
    get all() {
      reads.addAll();
      return set.all;
    },
    reached: set.reached,
    of(...types) {
      reads.add(...types);
      return set.of(...types);
    },
    nameOf(reference, record) {
      const target = stringOf(objectOf(reference).reference) ?? '';
      reads.add(target.slice(0, Math.max(target.indexOf('/'), 0)));
      return set.nameOf(reference, record);
    },
  };
  return { set: watched, reads };
}
