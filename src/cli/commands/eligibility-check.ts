import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import {
  CHECK_MODES,
  type CheckAnswer,
  type CheckMode,
  type CheckReport,
} from '../../contract/eligibility.ts';
import { OPERATION_SCOPES } from '../../contract/scopes.ts';
import type { TwinClient } from '../../sdk/index.ts';
import { type CommonOptions, withClient, withCommonOptions } from '../connection.ts';
import { answerText } from '../eligibility/answer.ts';
import { statusText } from '../eligibility/status.ts';
import { CliFault, EXIT } from '../faults.ts';
import { type CliIo, print, printJson } from '../io.ts';

interface CheckOptions extends CommonOptions {
  readonly id?: string;
  readonly coverage?: string;
  readonly service?: string[];
  readonly date?: string;
  readonly provider?: string;
  readonly mode?: CheckMode;
  readonly key?: string;
  readonly wait?: string;
}

const LOOK_MS = 500;
const WAIT_SECONDS_MAX = 600;

/** `eligibility check MEMBER`: the kept answer, or a check; `--id` looks at one. */
export function addEligibilityCheck(
  eligibility: Command,
  io: CliIo,
  setExit: (code: number) => void,
): void {
  const command = eligibility
    .command('check [member]')
    .description('ask whether a member is covered: what is known at once, or a check')
    .option('--id <check>', 'look at a check that was asked for before')
    .option('--coverage <id>', 'which coverage; the one that pays first')
    .option('--service <code...>', 'X12 service type codes; 30, the plan')
    .option('--date <date>', 'day of the service; today')
    .option('--provider <npi>', 'who asks; the provider of this installation')
    .addOption(new Option('--mode <mode>', 'how fresh it must be').choices([...CHECK_MODES]))
    .option('--key <key>', 'idempotency key: the same key is the same check')
    .option('--wait <seconds>', 'look until it has ended, so long at most');
  withCommonOptions(command).action((member: string | undefined, options: CheckOptions) =>
    withClient(io, options, OPERATION_SCOPES.eligibility.join(' '), async (client) => {
      const seconds = secondsOf(options.wait);
      const first = await firstOf(client, member, options);
      const answer = await waited(io, client, first, seconds);
      if (options.json === true) printJson(io, answer);
      else print(io, answerText(answer));
      if (answer.status === 'failed' || answer.status === 'timed-out') setExit(EXIT.refused);
    }),
  );
}

async function firstOf(
  client: TwinClient,
  member: string | undefined,
  { id, coverage, service, date, provider, mode, key }: CheckOptions,
): Promise<CheckAnswer | CheckReport> {
  if ((member === undefined) === (id === undefined)) {
    throw new CliFault(EXIT.usage, 'name a member, or a check by --id.');
  }
  if (id !== undefined) return client.checks.report(id);
  return client.checks.ask({
    member: member ?? '',
    ...(coverage !== undefined && { coverage }),
    ...(service !== undefined && { serviceTypes: service }),
    ...(date !== undefined && { serviceDate: date }),
    ...(provider !== undefined && { provider }),
    ...(mode !== undefined && { mode }),
    ...(key !== undefined && { idempotencyKey: key }),
  });
}

/** By looking again: the request itself is never held. */
async function waited(
  io: CliIo,
  client: TwinClient,
  first: CheckAnswer | CheckReport,
  seconds: number,
): Promise<CheckAnswer | CheckReport> {
  const until = performance.now() + seconds * 1_000;
  let answer = first;
  while (answer.status === 'processing' && performance.now() < until && !io.signal?.aborted) {
    await sleep(LOOK_MS);
    answer = await client.checks.report(first.checkId);
  }
  return answer;
}

function secondsOf(text = '0'): number {
  const seconds = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  if (seconds <= WAIT_SECONDS_MAX) return seconds;
  throw new CliFault(EXIT.usage, `--wait must be whole seconds, 0 to ${WAIT_SECONDS_MAX}.`);
}

interface StatusOptions extends CommonOptions {
  readonly watch?: boolean;
}

const CLEAR = '\u001b[H\u001b[2J';
const EACH_MS = 500;

/** `eligibility status`: slots and queues; live on a terminal with `--watch`. */
export function addEligibilityStatus(eligibility: Command, io: CliIo): void {
  const command = eligibility
    .command('status')
    .description('operator: slots in use, what waits for them, and what was saved')
    .option('--watch', 'go on looking, twice a second, until it is ended');
  withCommonOptions(command).action((options: StatusOptions) =>
    withClient(io, options, OPERATION_SCOPES['eligibility-status'].join(' '), async (client) => {
      for (;;) {
        const status = await client.checks.status();
        if (options.json === true) printJson(io, status);
        else print(io, `${screenOf(io, options)}${statusText(status)}`);
        if (options.watch !== true || io.signal?.aborted) return;
        await sleep(EACH_MS, undefined, { ...(io.signal && { signal: io.signal }) }).catch(() => 0);
        if (io.signal?.aborted) return;
      }
    }),
  );
}

function screenOf({ stdout }: CliIo, { watch }: StatusOptions): string {
  return watch === true && stdout.isTTY === true ? CLEAR : '';
}
