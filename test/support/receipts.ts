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
  assert.deepEqual(faultsOfRecords(records.flatMap(numberOf), written), []);
}

interface Numbered {
  readonly member: string;
  readonly number: number;
}

/** What is wrong with the accepted numbers, in the order of the log. */
export function faultsOfRecords(
  accepted: readonly Numbered[],
  written: readonly (Numbered & Pick<Written, 'held'>)[],
): string[] {
  const last = new Map<string, number>();
  const faults: string[] = [];
  for (const { member, number } of accepted) {
    const before = last.get(member) ?? 0;
    if (number <= before) faults.push(`${member}: ${number} was accepted after ${before}`);
    last.set(member, number);
  }
  const kept = new Set(accepted.map(({ member, number }) => `${member} ${number}`));
  for (const { member, number, held } of written) {
    if (held || kept.has(`${member} ${number}`)) continue;
    faults.push(`${member}: ${number} was acknowledged and is not in the log`);
  }
  return faults;
}

/** Records of one member are in one partition, and so in the order of the log. */
function numberOf({ key, value }: SeenRecord): Numbered[] {
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
  const wanted = [...newest].map(([uri, etag]) => nameOf({ uri, etag }));
  const places = await placesOf(log, new Set(wanted));
  for (const { name, receipts } of watchers) {
    assert.deepEqual(faultsOfReceipts(receipts, places), [], name);
  }
}

/**
 * What is wrong with the order of receipts. The same etag may be told again.
 * @param places offset by `nameOf` a receipt
 */
export function faultsOfReceipts(
  receipts: readonly Receipt[],
  places: ReadonlyMap<string, number>,
): string[] {
  const last = new Map<string, number>();
  return receipts.flatMap((receipt) => {
    const before = last.get(receipt.uri) ?? -1;
    const place = places.get(nameOf(receipt));
    // Versions that came close are one change to some views, and to others not.
    if (place === undefined) return [];
    last.set(receipt.uri, place);
    return place < before ? [`${receipt.uri}: ${place} was told after ${before}`] : [];
  });
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

export const nameOf = ({ uri, etag }: Receipt): string => `${uri} ${etag}`;

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
