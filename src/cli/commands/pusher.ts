import type { Command } from 'commander';
import type { ComparisonReport, RolloutGate, RolloutStatus } from '../../contract/rollout.ts';
import { OPERATION_SCOPES } from '../../contract/scopes.ts';
import { connectRealtime, type Realtime, type RealtimeEvent } from '../../sdk/index.ts';
import { type CommonOptions, connectionOf, withClient, withCommonOptions } from '../connection.ts';
import { CliFault, EXIT } from '../faults.ts';
import { type CliIo, note, plain, print, printJson, table } from '../io.ts';
import { Comparison } from '../pusher/comparison.ts';
import { listenToPusher } from '../pusher/listener.ts';

type CompareOptions = CommonOptions & {
  readonly member: string;
  readonly seconds?: string;
  readonly pusher?: string;
  readonly report?: boolean;
  readonly reportAs?: string;
};

/** `pusher status|compare`: docs/sdk.md, "Moving from Pusher". */
export function addPusher(program: Command, io: CliIo): void {
  const command = program
    .command('pusher')
    .description('the move from Pusher: who and what is still there, and the gate of each step');
  withCommonOptions(
    command.command('status', { isDefault: true }).description('by day, and what is next'),
  ).action((options: CommonOptions) =>
    withClient(io, options, ADMIN, async ({ rollout }) => {
      const status = await rollout.status();
      if (options.json === true) printJson(io, status);
      else printStatus(io, status);
    }),
  );
  withCommonOptions(
    command
      .command('compare')
      .description('listen both ways as one member’s device, and say what came by which')
      .requiredOption('--member <member>', 'whose events; --as or --token may read them')
      .option('--seconds <seconds>', 'for how long: 5 to 86400; 600')
      .option('--pusher <host:port>', 'the former Pusher (default: as the server tells the member)')
      .option('--report', 'give the result to the server, for the gate of the next step')
      .option('--report-as <subject>', 'as whom, development: an admin (default operator)'),
  ).action((options: CompareOptions) => compare(io, options));
}

const ADMIN = OPERATION_SCOPES.flags.join(' ');
const SETTLING_MS = 5_000;
const CALL_NAMES: Readonly<Record<string, string>> = {
  'call.accepted': 'call_accepted',
  'call.ready': 'appointment_ready',
  'call.ended': 'call_ended',
  'call.join': 'join_call',
  'call.extend': 'paid_extend_call_request',
};

async function compare(io: CliIo, options: CompareOptions): Promise<void> {
  const seconds = Number(options.seconds ?? 600);
  if (!(Number.isInteger(seconds) && seconds >= 5 && seconds <= 86_400)) {
    throw new CliFault(EXIT.usage, '--seconds is a whole number from 5 to 86400.');
  }
  const { url, token } = await connectionOf(io, options, undefined);
  const realtime = connectRealtime({ url, token, fallback: 'none' });
  try {
    const report = await compared(io, realtime, options, token, seconds * 1_000);
    if (options.report === true) await give(io, options, report);
    if (options.json === true) printJson(io, report);
    else printComparison(io, report);
  } finally {
    realtime.close();
  }
}

/** As an admin of the organization, who is not the member whose device this was. */
async function give(
  io: CliIo,
  { as: _as, token: _token, ...options }: CompareOptions,
  report: ComparisonReport,
): Promise<void> {
  const { reportAs } = options;
  const admin = { ...options, ...(reportAs !== undefined && { as: reportAs }) };
  await withClient(io, admin, ADMIN, ({ rollout }) => rollout.compared(report));
}

async function compared(
  io: CliIo,
  realtime: Realtime,
  { member, pusher }: CompareOptions,
  token: Parameters<typeof listenToPusher>[2]['token'],
  forMs: number,
): Promise<ComparisonReport> {
  const { pusher: told } = await realtime.info(member);
  const [host = told.host, port = told.port] = pusher?.split(/:(?=\d+$)/) ?? [];
  const comparison = new Comparison(Date.now());
  const subscription = realtime.subscribe({ topics: ['call-notifications'], member });
  subscription.on('*', (event) => {
    const receipt = receiptOf(event);
    if (receipt !== undefined) comparison.add('gateway', receipt);
  });
  const listening = Promise.withResolvers<void>();
  const place = { ...told, host, port: Number(port) };
  const listener = listenToPusher(place, member, {
    token,
    state: (isListening) => {
      if (isListening) listening.resolve();
      else note(io, 'Pusher’s way is interrupted');
    },
    event: (name, data) => {
      const isCall = Object.values(CALL_NAMES).includes(name);
      if (isCall) comparison.add('pusher', { name, data, at: Date.now() });
    },
  });
  try {
    await Promise.all([subscription.ready, listening.promise]);
    note(
      io,
      `listening both ways for ${forMs / 1_000} s: ${realtime.state.status}, ${host}:${port}`,
    );
    await until(() => comparison.isFull, forMs);
    return comparison.report(Date.now(), SETTLING_MS);
  } finally {
    listener.close();
  }
}

function receiptOf(event: RealtimeEvent) {
  const name = CALL_NAMES[event.type];
  const { data, time } = event;
  const said = data !== undefined && 'data' in data ? data.data : undefined;
  if (name === undefined || typeof said !== 'string') return undefined;
  return { name, data: said, at: Date.now(), happenedAt: Date.parse(time) };
}

async function until(holds: () => boolean, withinMs: number): Promise<void> {
  const end = Date.now() + withinMs;
  while (Date.now() < end && !holds()) {
    await new Promise((resolve) => {
      setTimeout(resolve, Math.min(200, Math.max(0, end - Date.now())));
    });
  }
}

function printComparison(io: CliIo, report: ComparisonReport): void {
  const { both, onlyGateway, onlyPusher, repeated, latencyMs } = report;
  const row = (
    name: string,
    only: number,
    again: number,
    ms: { p50: number; p99: number } | undefined,
  ) => [
    ...[name, String(both + only), String(only), String(again)],
    ...[ms === undefined ? '' : String(ms.p50), ms === undefined ? '' : String(ms.p99)],
  ];
  print(
    io,
    table(
      ['WAY', 'CAME', 'BY IT ALONE', 'REPEATED', 'P50 MS', 'P99 MS'],
      [
        row('gateway', onlyGateway, repeated.gateway, latencyMs.gateway),
        row('pusher', onlyPusher, repeated.pusher, latencyMs.pusher),
      ],
    ),
  );
}

function printStatus(io: CliIo, status: RolloutStatus): void {
  const { former, flags, days, members, gates } = status;
  const where =
    former === undefined ? 'none: PUSHER_BRIDGE_URL is not set' : `${former.host}:${former.port}`;
  print(io, `former Pusher: ${where}`);
  const steps = flags.map(({ flag, percent, since }) => [flag, `${percent} %`, since ?? '']);
  print(io, table(['FLAG', 'MEMBERS', 'SINCE'], steps));
  const rows = days.map((day) => [
    ...[day.day, String(day.told.pusher), String(day.told.websocket), String(day.formerMembers)],
    ...[said(day.formerChannels), said(day.bridged), said(day.failed)],
  ]);
  const heads = ['DAY', 'TOLD PUSHER', 'TOLD GATEWAY', 'STILL THERE', 'CHANNELS', 'SENT', 'FAILED'];
  print(io, `\n${table(heads, rows)}`);
  if (members.length > 0) print(io, `\nstill there: ${members.map(plain).join(', ')}`);
  for (const gate of gates) printGate(io, gate);
}

function printGate(io: CliIo, { flag, from, to, open, checks }: RolloutGate): void {
  const step = to === 'off' ? 'switch the former Pusher off' : `${from} % to ${to} %`;
  print(io, `\n${flag}, ${step}: ${open ? 'open' : 'shut'}`);
  for (const { name, passed, says } of checks) {
    print(io, `  ${passed ? 'yes' : 'no '}  ${name}: ${says}`);
  }
}

function said(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, n]) => `${plain(name)} ${n}`)
    .join(', ');
}
