import type { Command } from 'commander';

import type { AuditProof } from '../../sdk/types.ts';
import { type CommonOptions, withClient, withCommonOptions } from '../connection.ts';
import { EXIT } from '../faults.ts';
import { type CliIo, coloured, plain, print, printJson } from '../io.ts';
import { addAuditExport } from './audit-export.ts';
import { verifyExport } from './audit-offline.ts';
import { addAuditReports } from './audit-reports.ts';
import { AUDIT_SCOPE } from './audit-scope.ts';

interface VerifyOptions extends CommonOptions {
  readonly export?: string;
  readonly checkpoints?: string;
  readonly key?: string;
}

export function addAudit(program: Command, io: CliIo, setExit: (code: number) => void): void {
  const audit = program.command('audit').description('who saw what: proofs, reports, exports');
  const verify = audit
    .command('verify')
    .description(
      'prove that no record was edited, deleted, moved, repeated or cut off; 1 when one was',
    )
    .option('--export <file>', 'verify this export of rows instead, without a server')
    .option(
      '--checkpoints <file>',
      'with --export: signed checkpoints, of the witness if there is one',
    )
    .option('--key <base64>', 'with --export: the public key, as `audit verify --json` prints it');
  withCommonOptions(verify).action(async (options: VerifyOptions) => {
    if (options.export !== undefined) return await verifyExport(io, options, setExit);
    await withClient(io, options, AUDIT_SCOPE, async (client) => {
      const proof = await client.auditVerify();
      if (!proof.ok) setExit(EXIT.fault);
      if (options.json === true) printJson(io, proof);
      else printProof(io, proof);
    });
  });
  addAuditExport(audit, io);
  addAuditReports(audit, io);
}

function printProof(io: CliIo, proof: AuditProof): void {
  const { ok, records, firstBad, generations, says } = proof;
  const verdict = ok
    ? coloured(io.stdout, 'green', 'whole')
    : coloured(io.stdout, 'red', `broken at ${firstBad}`);
  print(io, `${verdict}: ${records} records`);
  for (const one of generations) {
    const { generation, instance, from, witnessed, why = '' } = one;
    const place = one.lastBad === undefined ? `row ${one.firstBad}` : spanOf(one);
    const state = one.ok ? 'whole' : `${place}: ${why}`;
    const outside = witnessed === 0 ? 'no witness' : `witnessed up to ${witnessed}`;
    const name = `${generation} of instance ${instance}, ${from}`;
    print(io, plain(`  ${name}: ${one.records} rows, ${state}; ${outside}`));
  }
  for (const sentence of says) print(io, plain(sentence));
}

function spanOf({ firstBad, lastBad }: AuditProof['generations'][number]): string {
  return `the first of rows ${firstBad} to ${lastBad}`;
}
