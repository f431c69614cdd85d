import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock } from 'node:test';
import { type Load, loads, peopleOnly } from './eligibility/loads.ts';
import {
  bottleneck,
  countDrr,
  fifo,
  ours,
  pQueue,
  type Rival,
  tenantCaps,
} from './eligibility/rivals.ts';
import { type Measured, simulate } from './eligibility/simulate.ts';
import { percentile, progress, type Row, report, startServer } from './harness.ts';

/**
 * Who gets the next slot of fifteen, in virtual time: this product's scheduler beside FIFO, p-queue,
 * Bottleneck, caps of tenants and round robin by count, on six loads; and, through a real client,
 * how soon a kept answer is on the screen.
 */
export async function benchEligibility(): Promise<void> {
  const rows: Row[] = [];
  const alone = await simulate(peopleOnly(), ours());
  rows.push({ what: 'people alone: answer p95', value: alone.liveAnswerP95, unit: 's' });
  for (const load of loads()) {
    for (const make of rivalsFor(load)) {
      const measured = await withTimers(load, make);
      progress(`${load.name}: ${measured.rival}`);
      rows.push(...rowsOf(measured, alone));
    }
  }
  rows.push(...(await throughClient()));
  report('eligibility', { slots: 15, payers: 8, loads: loads().length }, rows);
}

type Make = (tick: () => void) => Rival;

function rivalsFor({ jobs }: Load): Make[] {
  const tenants = new Set(jobs.map(({ tenant }) => tenant)).size;
  return [fifo, () => tenantCaps(tenants), pQueue, bottleneck, countDrr, ours];
}

/** Bottleneck starts each job by a timer of its own: time stands still but for those. */
async function withTimers(load: Load, make: Make): Promise<Measured> {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  try {
    return await simulate(
      load,
      make(() => mock.timers.tick(1)),
    );
  } finally {
    mock.timers.reset();
  }
}

function rowsOf(measured: Measured, alone: Measured): Row[] {
  const { rival, load, wait, jain, utilisation, calls, saved, overLimit, minutes } = measured;
  const is = (what: string, value: number, unit: string, bar?: string): Row => {
    const ours = rival.includes('ours') && bar !== undefined;
    return { what: `${load}: ${rival}: ${what}`, value, unit, ...(ours && { bar }) };
  };
  const waits = Object.entries(wait).flatMap(([one, [p50, p95, p99]]) => [
    is(`${one} wait p50`, p50, 's'),
    is(`${one} wait p95`, p95, 's'),
    is(`${one} wait p99`, p99, 's'),
  ]);
  const bar = load.includes('batch') ? `${(alone.liveAnswerP95 * 1.1).toFixed(1)} s` : undefined;
  return [
    ...waits,
    is('answer to a person p95', measured.liveAnswerP95, 's', bar),
    is('Jain index', jain, ''),
    is('slots used while saturated', utilisation * 100, '%', '98 %'),
    is('calls', calls, ''),
    is('calls saved', saved, ''),
    is('calls refused by the clearinghouse', overLimit, '', load.includes('cut') ? undefined : '0'),
    is('until all have ended', minutes, 'min'),
  ];
}

const ROUNDS = 200;
const FIRST_WITHIN_MS = 60_000;

/** From the question to the document in hand, over HTTP, of a member whose answer is kept. */
async function throughClient(): Promise<Row[]> {
  const dataDir = await mkdtemp(join(tmpdir(), 'bench-eligibility-'));
  const server = await startServer(dataDir, { DEMO: 'on' });
  try {
    const token = await server.token('ana', 'twin:read eligibility:check');
    const ask = (more: object) => {
      const body = JSON.stringify({ member: 'demo-ana', ...more });
      return server.post(token, '/v1/eligibility/checks', body) as Promise<{ status: string }>;
    };
    const first = await ask({ waitMs: FIRST_WITHIN_MS });
    if (first.status !== 'completed') throw new Error(`the first check: ${first.status}`);
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const began = performance.now();
      const { status } = await ask({});
      await server.get(token, '/v1/twins/member/demo-ana/coverage');
      times.push(performance.now() - began);
      if (status !== 'cached') throw new Error(`no kept answer: ${status}`);
    }
    return [
      { what: 'kept answer to the screen p50', value: percentile(times, 50), unit: 'ms' },
      {
        ...{ what: 'kept answer to the screen p95', value: percentile(times, 95), unit: 'ms' },
        bar: '500 ms',
      },
    ];
  } finally {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}
