import type { ComparisonReport, Percentiles } from '../../contract/rollout.ts';

export type Path = 'gateway' | 'pusher';

/** One event as a device got it: by its name at Pusher and what it says, byte for byte. */
export interface Receipt {
  readonly name: string;
  readonly data: string;
  /** When it was received, milliseconds since the epoch. */
  readonly at: number;
  /** When it happened at its producer; only the gateway says so. */
  readonly happenedAt?: number;
}

/** Receipts that are kept; past it a comparison ends. */
const RECEIPTS_MAX = 100_000;

/**
 * What a device got either way. Pusher's events have no ids, and their bytes are not ours to touch:
 * so those of one name and content are matched in the order in which they came.
 */
export class Comparison {
  readonly #from: number;
  readonly #receipts: Record<Path, Map<string, Receipt[]>> = {
    gateway: new Map(),
    pusher: new Map(),
  };
  #count = 0;

  constructor(from: number) {
    this.#from = from;
  }

  get isFull(): boolean {
    return this.#count >= RECEIPTS_MAX;
  }

  add(path: Path, receipt: Receipt): void {
    if (this.isFull) return;
    this.#count += 1;
    const key = JSON.stringify([receipt.name, receipt.data]);
    const known = this.#receipts[path].get(key);
    if (known === undefined) this.#receipts[path].set(key, [receipt]);
    else known.push(receipt);
  }

  /**
   * An event that came once by one way and twice by the other was repeated there; one that came by
   * one way alone was lost by the other. Of what happened within `settlingMs` before the end, the
   * other receipt may still be on its way: it is left out.
   */
  report(to: number, settlingMs: number): ComparisonReport {
    const tally = { both: 0, onlyGateway: 0, onlyPusher: 0 };
    const repeated = { gateway: 0, pusher: 0 };
    const latencies: Record<Path, number[]> = { gateway: [], pusher: [] };
    for (const key of new Set(Path.flatMap((path) => [...this.#receipts[path].keys()]))) {
      const [own, theirs] = Path.map((path) => this.#receipts[path].get(key) ?? []);
      if (own === undefined || theirs === undefined) continue;
      if (own.length > 0 && theirs.length > 0) {
        const less = Math.min(own.length, theirs.length);
        tally.both += less;
        repeated.gateway += own.length - less;
        repeated.pusher += theirs.length - less;
        addLatencies(latencies, own, theirs);
      } else {
        const settled = (receipt: Receipt): boolean => receipt.at <= to - settlingMs;
        tally.onlyGateway += own.filter(settled).length;
        tally.onlyPusher += theirs.filter(settled).length;
      }
    }
    return {
      ...{ from: new Date(this.#from).toISOString(), to: new Date(to).toISOString() },
      ...{ ...tally, repeated },
      latencyMs: {
        ...percentilesOf('gateway', latencies.gateway),
        ...percentilesOf('pusher', latencies.pusher),
      },
    };
  }
}

const Path: readonly Path[] = ['gateway', 'pusher'];

function addLatencies(
  latencies: Record<Path, number[]>,
  own: readonly Receipt[],
  theirs: readonly Receipt[],
): void {
  for (const [index, { at, happenedAt }] of own.entries()) {
    const other = theirs[index];
    if (happenedAt === undefined || other === undefined) continue;
    latencies.gateway.push(at - happenedAt);
    latencies.pusher.push(other.at - happenedAt);
  }
}

function percentilesOf(path: Path, all: readonly number[]): Partial<Record<Path, Percentiles>> {
  if (all.length === 0) return {};
  const sorted = all.toSorted((a, b) => a - b);
  const at = (share: number): number => {
    return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;
  };
  return { [path]: { p50: at(0.5), p99: at(0.99) } };
}
