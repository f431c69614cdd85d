import type { Command } from 'commander';
import { OPERATION_SCOPES } from '../../contract/scopes.ts';
import type { Snapshot } from '../../sdk/index.ts';
import { type CommonOptions, withClient, withCommonOptions } from '../connection.ts';
import { type CliIo, print, printJson, table } from '../io.ts';

const SCOPE = OPERATION_SCOPES.snapshots.join(' ');

export function addSnapshot(program: Command, io: CliIo): void {
  const snapshot = program
    .command('snapshot')
    .description('copies of the view in SNAPSHOT_DIR, from which new instances start');
  withCommonOptions(
    snapshot.command('create').description('make one; reads and changes go on meanwhile'),
  ).action((options: CommonOptions) =>
    withClient(io, options, SCOPE, async ({ snapshots }) => {
      const made = await snapshots.create();
      if (options.json === true) return printJson(io, made);
      print(io, `${made.name}: ${sizeOf(made)}`);
    }),
  );
  withCommonOptions(
    snapshot.command('list').description('list them, and whether this instance would take them'),
  ).action((options: CommonOptions) =>
    withClient(io, options, SCOPE, async ({ snapshots }) => {
      const list = await snapshots.list();
      if (options.json === true) return printJson(io, list);
      const rows = list.map((one) => [one.name, sizeOf(one), one.refused ?? 'fits']);
      print(io, table(['SNAPSHOT', 'SIZE', 'FITS'], rows));
    }),
  );
}

function sizeOf({ of }: Snapshot): string {
  return of === undefined ? '' : `${(of.bytes / 1024 / 1024).toFixed(1)} MB`;
}
