import assert from 'node:assert/strict';
import { sleep } from '../../src/kernel/clock.ts';
import { inEvent, ownIds } from '../../src/log/events/index.ts';
import type { Written } from './ledger.ts';
import { readTopic, type SeenRecord } from './records.ts';
import type { Receipt, Watcher } from './watcher.ts';

/** Where the topics of a ledger are. */
export interface LogOfLedger {
  readonly brokers: string;
  readonly prefix: string;
}

const TOLD_WITHIN_MS = 60_000;

/**
 * The log, read by a client that is none of ours, holds what was acknowledged exactly once, and
 * each member's numbers in their order. What an outbox held may have been overtaken by a newer one.
 */
export async function checkRecords(
  { brokers, prefix }: LogOfLedger,
  written: readonly Written[],
): Promise<void> {
  const records = await readTopic(brokers, `${prefix}twins.sources`);
  const numbers = Map.groupBy(records.flatMap(numberOf), ({ member }) => member);
  for (const [member, said] of Map.groupBy(written, (one) => one.member)) {
    const kept = (numbers.get(member) ?? []).map(({ number }) => number);
    const rising = [...new Set(kept)].toSorted((a, b) => a - b);
    assert.deepEqual(kept, rising, `${member}: each number once, in order`);
    for (const { number, held } of said) {
      assert.ok(held || kept.includes(number), `${member}: ${number} is in the log`);
    }
  }
}

/** Records of one member are in one partition, and so in the order of the log. */
function numberOf({ key, value }: SeenRecord): { member: string; number: number }[] {
  const [, member] = /\/Patient\/(.+)$/.exec(key.toString()) ?? [];
  const [, number] = /Number-(\d+)-of/.exec(value.toString('latin1')) ?? [];
  return member === undefined || number === undefined ? [] : [{ member, number: Number(number) }];
}

/**
 * Each subscriber was told the newest etag of each member, and never of an older version after a
 * newer one: `twins.resource-events` says where in the log an etag came to be.
 * @param newest etag by URI
 */
export async function checkReceipts(
  log: LogOfLedger,
  watchers: readonly Watcher[],
  newest: ReadonlyMap<string, string>,
): Promise<void> {
  for (const watcher of watchers) await heardAll(watcher, newest);
  const places = await placesOf(
    log,
    new Set(watchers.flatMap(({ receipts }) => receipts.map(nameOf))),
  );
  for (const { name, receipts } of watchers) {
    const last = new Map<string, number>();
    for (const receipt of receipts) {
      const place = places.get(nameOf(receipt)) ?? -1;
      assert.ok(place >= (last.get(receipt.uri) ?? -1), `${name}: ${receipt.uri} went back`);
      last.set(receipt.uri, place);
    }
  }
}

async function heardAll(watcher: Watcher, newest: ReadonlyMap<string, string>): Promise<void> {
  const deadline = Date.now() + TOLD_WITHIN_MS;
  const isOpen = ([uri, etag]: readonly [string, string]): boolean =>
    watcher.receipts.findLast((one) => one.uri === uri)?.etag !== etag;
  for (let open = [...newest]; open.length > 0; open = open.filter(isOpen)) {
    assert.ok(Date.now() < deadline, `${watcher.state}, and was not told the newest of ${open}`);
    await sleep(50);
  }
}

const nameOf = ({ uri, etag }: Receipt): string => `${uri} ${etag}`;

/** Offsets in the log by URI and etag; each change stands there once. */
async function placesOf(
  { brokers, prefix }: LogOfLedger,
  wanted: ReadonlySet<string>,
): Promise<ReadonlyMap<string, number>> {
  const deadline = Date.now() + TOLD_WITHIN_MS;
  for (;;) {
    const places = new Map<string, number>();
    const seen = new Set<string>();
    for (const { key, value } of await readTopic(brokers, `${prefix}twins.resource-events`)) {
      const { message } = inEvent({ key, value, headers: {} }, ownIds);
      const { uri, etag, variant, position } = message as unknown as Told;
      const change = `${variant} ${uri} ${position?.partition}/${position?.offset}`;
      assert.ok(!seen.has(change), `${change} is told twice in twins.resource-events`);
      seen.add(change);
      places.set(nameOf({ uri, etag }), Number(position?.offset));
    }
    const missing = [...wanted].filter((name) => !places.has(name));
    if (missing.length === 0) return places;
    assert.ok(Date.now() < deadline, `told, and not in twins.resource-events: ${missing}`);
    await sleep(500);
  }
}

interface Told extends Receipt {
  readonly variant: number;
  readonly position?: { readonly partition: number; readonly offset: bigint };
}
