import type { Command } from 'commander';
import { OPERATION_SCOPES } from '../../contract/scopes.ts';
import type { Forgotten, RetentionReport, TwinClient } from '../../sdk/index.ts';
import {
  type CommonOptions,
  configOf,
  withClient,
  withCommonOptions,
  withSetupOptions,
} from '../connection.ts';
import { CliFault, EXIT } from '../faults.ts';
import { type CliIo, note, plain, print, printJson, table } from '../io.ts';

interface ReasonOptions extends CommonOptions {
  readonly reason: string;
}

interface ForgetOptions extends CommonOptions {
  readonly yes?: boolean;
  readonly allowAgain?: boolean;
}

interface RetainOptions extends CommonOptions {
  readonly dryRun?: boolean;
}

/** `hold`, `forget`, `retain`, `backup` and `restore`: docs/retention.md. */
export function addKeeping(program: Command, io: CliIo): void {
  addHold(program, io);
  addForget(program, io);
  addRetain(program, io);
  addBackup(program, io);
}

function addHold(program: Command, io: CliIo): void {
  const hold = program
    .command('hold')
    .description('legal hold: a held member is not forgotten, and nothing of theirs compacted');
  const set = hold.command('set <member>').description('hold a member');
  const reason = 'why, in words that say nothing of the member: kept and audited';
  withCommonOptions(set.requiredOption('--reason <text>', reason)).action(
    (member: string, options: ReasonOptions) =>
      connected(io, options, async ({ keeping }) => {
        const held = await keeping.hold(member, options.reason);
        if (options.json === true) return printJson(io, held);
        print(io, `${plain(held.member)} is held since ${held.since}`);
      }),
  );
  withCommonOptions(hold.command('list').description('members who are held')).action(
    (options: CommonOptions) =>
      connected(io, options, async ({ keeping }) => {
        const holds = await keeping.holds();
        if (options.json === true) return printJson(io, holds);
        if (holds.length === 0) return print(io, 'Nobody is held.');
        const rows = holds.map((one) => [one.member, one.since, one.by, one.reason]);
        print(io, table(['MEMBER', 'SINCE', 'BY', 'REASON'], rows));
      }),
  );
  const release = hold.command('release <member>').description('end the hold on a member');
  withCommonOptions(release.requiredOption('--reason <text>', reason)).action(
    (member: string, options: ReasonOptions) =>
      connected(io, options, async ({ keeping }) => {
        await keeping.release(member, options.reason);
        if (options.json === true) return printJson(io, { released: member });
        print(io, `${plain(member)} is held no longer`);
      }),
  );
}

function addForget(program: Command, io: CliIo): void {
  const forget = program
    .command('forget <member...>')
    .description('remove members with everything about them; what comes of them later is refused')
    .option('--yes', 'confirm: this cannot be undone but from a backup')
    .option('--allow-again', 'take records of a forgotten member again');
  withCommonOptions(forget).action((members: string[], options: ForgetOptions) => {
    if (options.allowAgain === true) return allowAgain(io, members, options);
    if (options.yes !== true) {
      const message = `this removes ${members.length} member(s) for good: confirm it with --yes.`;
      throw new CliFault(EXIT.usage, message);
    }
    return connected(io, options, async ({ keeping }) => {
      const done = await keeping.forget(members);
      if (options.json === true) printJson(io, done);
      else printForgotten(io, done);
    });
  });
}

function allowAgain(io: CliIo, members: readonly string[], options: ForgetOptions): Promise<void> {
  return connected(io, options, async ({ keeping }) => {
    for (const member of members) await keeping.allowAgain(member);
    if (options.json === true) printJson(io, { allowed: members });
    else print(io, `${members.map(plain).join(', ')}: taken again when it comes`);
  });
}

function printForgotten(io: CliIo, done: Forgotten): void {
  const { members, relations, snapshotsRemoved, purged, remains } = done;
  print(io, `forgotten: ${members.map(plain).join(', ')}`);
  print(io, `${relations} relations taken back, ${snapshotsRemoved} snapshots removed`);
  print(io, `written anew: ${purged.join(', ')}\n`);
  print(io, 'Where something may be left:');
  const rows = remains.map(({ where, what, until }) => [where, what, until]);
  print(io, table(['WHERE', 'WHAT', 'KEPT'], rows));
}

function addRetain(program: Command, io: CliIo): void {
  const command = program
    .command('retain')
    .description('delete what is past its time, and say what is kept how long in each store')
    .option('--dry-run', 'say what is due, and delete nothing');
  withCommonOptions(command).action((options: RetainOptions) =>
    connected(io, options, async ({ keeping }) => {
      const report = await keeping.retain(options.dryRun === true);
      if (options.json === true) printJson(io, report);
      else printRetention(io, report);
    }),
  );
}

function printRetention(io: CliIo, { dryRun, holds, steps, table: rows }: RetentionReport): void {
  const kept = rows.map(({ store, kept: how, by, holds: what }) => [store, how, by, what]);
  print(io, table(['STORE', 'KEPT', 'BY', 'HOLDS'], kept));
  const done = steps.map(({ store, due, deleted, says }) => [
    ...[store, due === undefined ? '' : String(due), String(deleted), says],
  ]);
  print(io, `\n${table(['STORE', 'DUE', dryRun ? 'DRY RUN' : 'DELETED', 'SAYS'], done)}`);
  if (holds > 0) note(io, `\n${holds} member(s) are under legal hold: digital-twin hold list`);
}

function addBackup(program: Command, io: CliIo): void {
  const backup = program
    .command('backup')
    .description(
      'a sealed copy in BACKUP_DIR, by BACKUP_KEY; keys.json is not in it: keep it apart',
    );
  withCommonOptions(backup).action((options: CommonOptions) =>
    connected(io, options, async ({ keeping }) => {
      const made = await keeping.backup();
      if (options.json === true) return printJson(io, made);
      print(io, `${made.name}: ${made.files.map(({ name }) => name).join(', ')}`);
    }),
  );
  const restore = program
    .command('restore <folder>')
    .description('a backup into an empty data directory, which no server runs on and has the keys');
  withSetupOptions(restore).action(async (folder: string, options: CommonOptions) => {
    const restored = await io.restoreBackup(configOf(io, options), folder);
    if (options.json === true) return printJson(io, restored);
    print(io, `${restored.name}: ${restored.files.map(({ name }) => name).join(', ')}`);
    print(io, `audit: ${restored.audit}`);
    note(io, 'Forget again whom you have forgotten since it was made: docs/retention.md.');
  });
}

function connected(
  io: CliIo,
  options: CommonOptions,
  use: (client: TwinClient) => Promise<void>,
): Promise<void> {
  return withClient(io, options, OPERATION_SCOPES.keeping.join(' '), use);
}
