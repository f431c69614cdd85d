import type { CheckMode } from '../../twin/ports.ts';
import type { CheckClass } from '../scheduler/index.ts';

/** Who waits for a flight. */
export interface Passenger {
  readonly checkId: string;
  readonly dedupeKey: string;
  readonly mode: CheckMode;
  readonly class: CheckClass;
}

/** One question under way, and all who wait for its answer. */
export interface Flight<P extends Passenger = Passenger> {
  /** The check that began it. */
  readonly id: string;
  readonly key: string;
  /** The most urgent of those who wait. */
  class: CheckClass;
  /** A call is under way: its answer may be older than who comes now. */
  calling: boolean;
  readonly passengers: Map<string, P>;
}

const URGENCY: Readonly<Record<CheckClass, number>> = { live: 0, async: 1, batch: 2 };

/**
 * Equal questions share one call (the key holds the tenant, so never across tenants). Whoever needs
 * a fresh answer joins only a flight whose call has not begun. Nobody who leaves ends a flight.
 */
export class Flights<F extends Flight> {
  readonly #byKey = new Map<string, F[]>();
  readonly #byId = new Map<string, F>();

  get(id: string): F | undefined {
    return this.#byId.get(id);
  }

  all(): F[] {
    return [...this.#byId.values()];
  }

  /** The flight that this one may share; one whose call is under way comes first, being sooner. */
  sharedBy(passenger: Passenger): F | undefined {
    const flights = this.#byKey.get(passenger.dedupeKey) ?? [];
    const may = flights.filter((flight) => !flight.calling || passenger.mode !== 'REQUIRE_FRESH');
    return may.find(({ calling }) => calling) ?? may[0];
  }

  add(flight: F): void {
    this.#byId.set(flight.id, flight);
    this.#byKey.set(flight.key, [...(this.#byKey.get(flight.key) ?? []), flight]);
  }

  /** @returns whether the flight is more urgent now */
  board<P extends Passenger>(flight: Flight<P>, passenger: P): boolean {
    flight.passengers.set(passenger.checkId, passenger);
    if (URGENCY[passenger.class] >= URGENCY[flight.class]) return false;
    flight.class = passenger.class;
    return true;
  }

  end({ id, key }: F): void {
    this.#byId.delete(id);
    const left = (this.#byKey.get(key) ?? []).filter((flight) => flight.id !== id);
    if (left.length === 0) this.#byKey.delete(key);
    else this.#byKey.set(key, left);
  }
}
