import assert from 'node:assert/strict';
import { sleep } from '../../src/kernel/clock.ts';
import { readDocument } from './ask.ts';
import { bundleOf, patient } from './changes.ts';
import { checkReceipts, checkRecords, type LogOfLedger } from './receipts.ts';
import type { TestServer } from './server.ts';
import { type Era, Watcher } from './watcher.ts';

/** One write that was acknowledged: this number of this member, at this place of the log. */
export interface Written {
  readonly member: string;
  readonly number: number;
  readonly position: string;
  /** Acknowledged by an outbox (202), so that a later one may have come before it. */
  readonly held: boolean;
}

const ERAS: readonly Era[] = ['2026-07-28', '2025'];
const FIRST = Date.UTC(2026, 0, 1);
const EVERYTHING_WITHIN_MS = 60_000;

/**
 * Numbered writes to members, and what came of them. What was acknowledged must be readable
 * everywhere, each member's numbers in the order of writing, and nothing that was never said.
 */
export class Ledger {
  readonly members: readonly string[];
  readonly #written: Written[] = [];
  readonly #numbers = new Map<string, number>();
  /** Said, and not known to be there: its answer was lost. */
  readonly #unsure = new Map<string, Set<number>>();
  readonly #log: LogOfLedger | undefined;
  readonly #watchers: Watcher[] = [];
  readonly #outsiders: Watcher[] = [];

  /** @param log where records and receipts are compared with what was acknowledged */
  constructor(members: readonly string[], log?: LogOfLedger) {
    this.members = members;
    this.#log = log;
  }

  /** Subscribers of one instance, in both eras: somebody who may know, and somebody who may not. */
  watch(server: () => TestServer, entitled: string, outsider: string): void {
    const uris = this.members.map(profileOf);
    for (const era of ERAS) {
      const may = new Watcher({ server, as: entitled, era, uris });
      const mayNot = new Watcher({ server, as: outsider, era, uris });
      this.#watchers.push(may);
      this.#outsiders.push(mayNot);
      for (const one of [may, mayNot]) one.start();
    }
  }

  /** Ends its subscribers. */
  async stop(): Promise<void> {
    await Promise.all([...this.#watchers, ...this.#outsiders].map((one) => one.stop()));
  }

  get acknowledged(): readonly Written[] {
    return this.#written;
  }

  /** Says the next number of a member; answers whether it was acknowledged. */
  async write(server: TestServer, member: string): Promise<'written' | 'held' | 'unsure'> {
    const number = (this.#numbers.get(member) ?? 0) + 1;
    this.#numbers.set(member, number);
    const unsure = this.#unsure.get(member) ?? new Set();
    this.#unsure.set(member, unsure.add(number));
    try {
      const response = await server.importBundle(versionOf(member, number));
      const { position } = (await response.json()) as { position?: string };
      if (response.status !== 201 && response.status !== 202) return 'unsure';
      unsure.delete(number);
      const held = response.status === 202;
      this.#written.push({ member, number, position: position ?? '', held });
      return held ? 'held' : 'written';
    } catch {
      return 'unsure';
    }
  }

  /** The newest number of each member that was acknowledged. */
  newest(): Map<string, number> {
    const newest = new Map<string, number>();
    for (const { member, number } of this.#written) {
      newest.set(member, Math.max(number, newest.get(member) ?? 0));
    }
    return newest;
  }

  /**
   * Waits until every server shows the newest number of each member, and the same etag of it; and
   * compares with it what the log holds, and what each subscriber was told.
   */
  async check(servers: readonly TestServer[], as: string): Promise<void> {
    const newest = new Map<string, string>();
    for (const [member, number] of this.newest()) {
      const shown = await Promise.all(
        servers.map((server) => this.#shown(server, as, member, number)),
      );
      const [first] = shown;
      for (const one of shown) assert.deepEqual(one, first, `${member} is the same everywhere`);
      newest.set(profileOf(member), first?.etag ?? '');
    }
    if (this.#log === undefined) return;
    await checkRecords(this.#log, this.#written);
    await checkReceipts(this.#log, this.#watchers, newest);
    for (const { state, opened, acknowledged, receipts } of this.#outsiders) {
      assert.ok(opened > 0, state);
      assert.deepEqual([acknowledged, receipts], [[], []], `${state}, and may know nothing`);
    }
  }

  async #shown(server: TestServer, as: string, member: string, number: number) {
    const token = await server.token(as);
    const deadline = Date.now() + EVERYTHING_WITHIN_MS;
    for (;;) {
      const { etag, data } = await readDocument(server, token, profileOf(member));
      const is = numberIn(data);
      const later = is > number && this.#unsure.get(member)?.has(is) === true;
      if (is === number || later) return { etag, is };
      const why = `${member} shows ${is}, and ${number} was acknowledged`;
      assert.ok(is < number && Date.now() < deadline, why);
      await sleep(50);
    }
  }
}

export function profileOf(member: string): string {
  return `mcp://twins/member/${member}/profile`;
}

/** Which version of a member a profile shows. */
export function numberIn(data: unknown): number {
  return Number(/Number-(\d+)-of/.exec(JSON.stringify(data))?.[1] ?? 0);
}

function versionOf(member: string, number: number): string {
  const lastUpdated = new Date(FIRST + number * 1_000).toISOString();
  const name = [{ family: `Number-${number}-of`, given: ['Testa'] }];
  return bundleOf(patient(member, { name, meta: { lastUpdated } }));
}
