import type { BatchReportRow, BatchStatus } from '../../contract/eligibility-batches.ts';
import { Fault } from '../../kernel/errors.ts';
import { randomId } from '../../kernel/ids.ts';
import type { Access, Audit, Principal } from '../../twin/ports.ts';
import { type BatchRow, type RowFormat, readRows } from './rows.ts';
import {
  type BatchRunner,
  checkIdOf,
  principalOf,
  principalText,
  type RunnerParts,
} from './runner.ts';
import type { BatchStorage, StoredBatch, StoredRow } from './storage.ts';

interface BatchCaller {
  readonly principal: Principal;
  readonly correlationId: string;
}

export interface BatchDesk {
  /**
   * @param key of the caller: the same key is the same batch
   * @throws Fault TOO_LARGE, INVALID_ARGUMENT
   */
  submit(
    caller: BatchCaller,
    body: AsyncIterable<Uint8Array>,
    format: RowFormat,
    key?: string,
  ): Promise<BatchStatus>;
  /** @throws Fault NOT_FOUND for a batch of somebody else */
  status(caller: BatchCaller, id: string): Promise<BatchStatus>;
  list(caller: BatchCaller): Promise<BatchStatus[]>;
  /** Rows as they stand, in order; each page is audited before it is given. */
  report(caller: BatchCaller, id: string): Promise<AsyncIterable<readonly BatchReportRow[]>>;
}

export interface DeskParts extends Pick<RunnerParts, 'clock'> {
  readonly storage: BatchStorage;
  readonly runner: Pick<BatchRunner, 'add'>;
  readonly access: Pick<Access, 'check'>;
  readonly audit: Audit;
}

const INSERTED_AT_ONCE = 1_000;
const REPORTED_AT_ONCE = 500;
const LISTED_MAX = 100;

export function createBatchDesk(parts: DeskParts): BatchDesk {
  const { storage, runner, audit, clock } = parts;
  const own = async ({ principal }: BatchCaller, id: string): Promise<StoredBatch> => {
    const batch = await storage.get(id);
    if (batch !== undefined && isOwn(batch, principal)) return batch;
    throw new Fault('NOT_FOUND', { detail: 'There is no such batch, or it is not yours.' });
  };
  return {
    async submit(caller, body, format, key) {
      const { principal } = caller;
      const asked = { id: randomId(), tenant: principal.tenant, createdAt: clock.now() };
      const given = { ...asked, principal: principalText(principal) };
      const scoped = key === undefined ? {} : { key: `${principal.subject} ${key}` };
      const batch = await storage.create({ ...given, ...scoped });
      if (batch.id !== asked.id) return statusOf(storage, batch);
      try {
        if ((await fill(storage, batch.id, readRows(body, format))) === 0) {
          throw new Fault('INVALID_ARGUMENT', { detail: 'The batch has no row.' });
        }
        await audit.append({
          ...{ action: 'eligibility', outcome: 'success', ...caller, what: [] },
          why: `scope eligibility:check; batch ${batch.id}`,
        });
      } catch (error) {
        await storage.drop(batch.id);
        throw error;
      }
      await storage.setState(batch.id, 'validating', clock.now());
      runner.add(batch.id);
      return statusOf(storage, (await storage.get(batch.id)) ?? batch);
    },
    status: async (caller, id) => statusOf(storage, await own(caller, id)),
    async list({ principal }) {
      const all = await storage.list(principal.tenant, LISTED_MAX);
      const mine = all.filter((batch) => isOwn(batch, principal));
      return Promise.all(mine.map((batch) => statusOf(storage, batch)));
    },
    report: async (caller, id) => reported(parts, caller, await own(caller, id)),
  };
}

function isOwn({ tenant, principal }: StoredBatch, { subject, tenant: of }: Principal): boolean {
  return tenant === of && principalOf(principal).subject === subject;
}

async function fill(
  storage: BatchStorage,
  batch: string,
  rows: AsyncIterable<BatchRow>,
): Promise<number> {
  let held: BatchRow[] = [];
  let count = 0;
  for await (const row of rows) {
    held.push(row);
    count += 1;
    if (held.length < INSERTED_AT_ONCE) continue;
    await storage.addRows(batch, held);
    held = [];
  }
  if (held.length > 0) await storage.addRows(batch, held);
  return count;
}

async function statusOf(storage: BatchStorage, batch: StoredBatch): Promise<BatchStatus> {
  const { byState, byStatus, byReason } = await storage.counts(batch.id);
  const of = (state: keyof typeof byState) => byState[state] ?? 0;
  const ended = of('done') + of('refused') + of('same') + of('failed');
  return {
    batchId: batch.id,
    state: batch.state,
    createdAt: new Date(batch.createdAt).toISOString(),
    ...(batch.finishedAt !== undefined && {
      finishedAt: new Date(batch.finishedAt).toISOString(),
    }),
    rows: batch.rows,
    progress: {
      ended,
      answered: of('done'),
      duplicates: of('same'),
      refused: of('refused'),
      failed: of('failed'),
      waiting: of('received') + of('accepted'),
    },
    statuses: byStatus,
    reasons: byReason,
  };
}

/** What a payer said of a member is told to who may still ask about that member, and audited. */
async function* reported(
  { storage, access, audit }: DeskParts,
  caller: BatchCaller,
  { id }: StoredBatch,
): AsyncGenerator<readonly BatchReportRow[]> {
  let after = 0;
  for (;;) {
    const rows = await storage.page(id, after, REPORTED_AT_ONCE);
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.n;
    const told = new Set(rows.flatMap(({ member, status }) => (status && member) || []));
    const members = [...told];
    const decisions = await access.check(
      caller.principal,
      members.map((member) => ({
        permission: 'check_eligibility',
        object: { type: 'member', id: member },
      })),
    );
    const may = new Set(members.filter((_, index) => decisions[index]?.allowed === true));
    await audit.append({
      ...{ action: 'eligibility', outcome: 'success', ...caller },
      what: [...may].map((member) => ({ uri: documentOf(member) })),
      why: `scope eligibility:check; report of batch ${id}`,
    });
    yield rows.map((row) => reportRow(id, row, may));
  }
}

function documentOf(member: string): string {
  return `mcp://twins/member/${member}/coverage`;
}

function reportRow(id: string, row: StoredRow, may: ReadonlySet<string>): BatchReportRow {
  const { n, reference, member = '', state, reason, status, checkedAt, sameAs } = row;
  const shows = status !== undefined && may.has(member);
  return {
    row: n,
    ...(reference !== undefined && { reference }),
    ...(member !== '' && { member }),
    state: state === 'accepted' || state === 'received' ? 'waiting' : state,
    ...(reason !== undefined && (shows || status === undefined) && { reason }),
    ...(sameAs !== undefined && { sameAs }),
    ...(shows && { status, document: documentOf(member), check: checkIdOf(id, sameAs ?? n) }),
    ...(shows && checkedAt !== undefined && { checkedAt: new Date(checkedAt).toISOString() }),
  };
}
