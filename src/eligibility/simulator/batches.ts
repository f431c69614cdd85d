import { randomUUID } from 'node:crypto';
import type { Clock } from '../../kernel/clock.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { askedOfLegacy, Malformed } from './asked.ts';
import type { Asked } from './known.ts';

/** One item of a batch and when its payer will have answered. */
interface Item {
  readonly asked: Asked;
  readonly reference: string;
  readonly doneAt: number;
}

interface Batch {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
  /** In the order in which they are done. */
  readonly items: readonly Item[];
}

export interface BatchParts {
  readonly clock: Clock;
  /** Of one question, uncompressed milliseconds. */
  readonly delayOf: (asked: Asked) => number;
  readonly answer: (asked: Asked) => JsonObject;
  readonly scale: () => number;
}

export const ITEMS_MAX = 10_000;
/** The clearinghouse's own pipeline, apart from the account's slots. */
const LANES = 200;
const BATCHES_MAX = 500;

export class NameTaken extends Error {}

/** Batches: validated whole, answered apart from the slots, polled by pages. */
export class Batches {
  readonly #parts: BatchParts;
  readonly #batches = new Map<string, Batch>();

  constructor(parts: BatchParts) {
    this.#parts = parts;
  }

  /** @throws Malformed for one malformed item, which refuses all; NameTaken */
  submit(body: unknown): JsonObject {
    const { items, name } = bodyOf(body);
    if ([...this.#batches.values()].some((one) => one.name === name)) throw new NameTaken();
    const asked = items.map((item, index) => itemOf(item, index));
    const references = new Set(asked.map(({ reference }) => reference));
    if (references.size !== asked.length) throw new Malformed(['items']);
    const at = this.#parts.clock.now();
    const id = randomUUID();
    const batch = { id, name: name ?? id, createdAt: at, items: this.#scheduled(asked, at) };
    const [oldest] = this.#batches.keys();
    if (this.#batches.size >= BATCHES_MAX && oldest !== undefined) this.#batches.delete(oldest);
    this.#batches.set(id, batch);
    return { batchId: id, submittedAt: new Date(at).toISOString() };
  }

  #scheduled(asked: readonly { asked: Asked; reference: string }[], at: number): Item[] {
    const lanes = new Array<number>(Math.min(LANES, asked.length)).fill(at);
    const items = asked.map((one, index) => {
      const lane = index % lanes.length;
      const doneAt = (lanes[lane] ?? at) + this.#parts.delayOf(one.asked) * this.#parts.scale();
      lanes[lane] = doneAt;
      return { ...one, doneAt };
    });
    return items.toSorted((a, b) => a.doneAt - b.doneAt);
  }

  status(id: string): JsonObject | undefined {
    const batch = this.#batches.get(id);
    if (batch === undefined) return undefined;
    const done = this.#doneOf(batch);
    const total = batch.items.length;
    return {
      ...{ id, name: batch.name, batchType: 'ELIGIBILITY', source: 'API' },
      status: done === total ? 'COMPLETED' : 'IN_PROGRESS',
      createdAt: new Date(batch.createdAt).toISOString(),
      updatedAt: new Date(this.#parts.clock.now()).toISOString(),
      ...{ totalCount: total, successCount: done, errorCount: 0, inProgressCount: total - done },
    };
  }

  /** What is done, a page at a time; a token stands only where the next page has something. */
  page(id: string, size: number, token: string | undefined): JsonObject | undefined {
    const batch = this.#batches.get(id);
    const from = token === undefined ? 0 : Number(token);
    if (batch === undefined || !Number.isInteger(from) || from < 0) return undefined;
    const done = this.#doneOf(batch);
    const page = batch.items.slice(from, Math.min(from + size, done));
    const next = from + page.length;
    return {
      items: page.map(({ asked, reference }) => ({
        ...this.#parts.answer(asked),
        ...{ batchId: id, batchName: batch.name },
        submitterTransactionIdentifier: reference,
      })),
      ...(next < done && { nextPageToken: String(next) }),
    };
  }

  /** What is done of all batches since then, without pages: how a lost submission is found. */
  since(at: number): JsonObject {
    const own = [...this.#batches.values()].filter(({ createdAt }) => createdAt >= at);
    const pages = own.flatMap((batch) => {
      const items = this.page(batch.id, 1, undefined)?.items;
      return Array.isArray(items) ? items : [];
    });
    return { items: pages };
  }

  #doneOf({ items }: Batch): number {
    const now = this.#parts.clock.now();
    const open = items.findIndex(({ doneAt }) => doneAt > now);
    return open === -1 ? items.length : open;
  }
}

function bodyOf(body: unknown): { items: readonly unknown[]; name?: string } {
  const { items, name } = (body ?? {}) as { items?: unknown; name?: unknown };
  const wrong = [
    ...(!Array.isArray(items) || items.length === 0 || items.length > ITEMS_MAX ? ['items'] : []),
    ...(name !== undefined && !/^[a-zA-Z0-9-_]{1,100}$/.test(String(name)) ? ['name'] : []),
  ];
  if (wrong.length > 0 || !Array.isArray(items)) throw new Malformed(wrong);
  return { items, ...(typeof name === 'string' && { name }) };
}

function itemOf(item: unknown, index: number): { asked: Asked; reference: string } {
  try {
    const { submitterTransactionIdentifier: reference } = (item ?? {}) as Record<string, unknown>;
    if (typeof reference !== 'string') throw new Malformed(['submitterTransactionIdentifier']);
    return { asked: askedOfLegacy(item), reference };
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new Malformed(error.paths.map((path) => `items.${index}.${path}`));
  }
}
