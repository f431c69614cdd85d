import type { Command } from 'commander';
import { OPERATION_SCOPES } from '../../contract/scopes.ts';
import { type CommonOptions, withClient, withCommonOptions } from '../connection.ts';
import { EXIT } from '../faults.ts';
import { type CliIo, coloured, print, printJson } from '../io.ts';

export function addAudit(program: Command, io: CliIo, setExit: (code: number) => void): void {
  const audit = program.command('audit').description('who saw what');
  const verify = audit
    .command('verify')
    .description('prove that no record was edited, deleted, reordered or cut off; 1 when one was');
  withCommonOptions(verify).action((options: CommonOptions) =>
    withClient(io, options, OPERATION_SCOPES.audit.join(' '), async (client) => {
      const proof = await client.auditVerify();
      if (!proof.ok) setExit(EXIT.fault);
      if (options.json === true) return printJson(io, proof);
      const verdict = proof.ok
        ? coloured(io.stdout, 'green', 'whole')
        : coloured(io.stdout, 'red', `broken at ${JSON.stringify(proof.firstBad)}`);
      print(io, `${verdict}: ${proof.records} records`);
    }),
  );
}
