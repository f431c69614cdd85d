import { Command } from 'commander';
import { addAgents } from './commands/agents.ts';
import { addAudit } from './commands/audit.ts';
import { addBreakGlass } from './commands/break-glass.ts';
import { addConfig } from './commands/config.ts';
import { addDlq } from './commands/dlq.ts';
import { addDoctor } from './commands/doctor.ts';
import { addEligibility } from './commands/eligibility.ts';
import { addExport } from './commands/export.ts';
import { addFlags } from './commands/flags.ts';
import { addFront } from './commands/front.ts';
import { addImport } from './commands/import.ts';
import { addKeeping } from './commands/keeping.ts';
import { addKeys } from './commands/keys.ts';
import { addLoginCode } from './commands/login-code.ts';
import { addPusher } from './commands/pusher.ts';
import { addReading } from './commands/reading.ts';
import { addRelations } from './commands/relations.ts';
import { addReplay } from './commands/replay.ts';
import { addReset } from './commands/reset.ts';
import { addSchema } from './commands/schema.ts';
import { addServe } from './commands/serve.ts';
import { addSnapshot } from './commands/snapshot.ts';
import { addStdio } from './commands/stdio.ts';
import { addToken } from './commands/token.ts';
import { addTopics } from './commands/topics.ts';
import { addWatch } from './commands/watch.ts';
import { EXIT, type Exit, endingOf } from './faults.ts';
import { type CliIo, coloured, note } from './io.ts';

export type { CliIo } from './io.ts';

/** Lets a command end with another code than 0 after it has said everything. */
export type SetExit = (exit: Exit) => void;

/**
 * Runs one command line.
 * @param argv what follows the program's name
 * @returns the exit code (contract "Command line"); never ends the process itself
 */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  let exit: number = EXIT.ok;
  const setExit = (code: number): void => {
    exit = code;
  };
  try {
    await programOf(io, setExit).parseAsync([...argv], { from: 'user' });
    return exit;
  } catch (error) {
    const ending = endingOf(error);
    if (ending.message !== undefined) {
      note(io, `${coloured(io.stderr, 'red', 'digital-twin:')} ${ending.message}`);
    }
    return ending.exit;
  }
}

function programOf(io: CliIo, setExit: (code: number) => void): Command {
  const program = new Command('digital-twin')
    .description('One live, permission-checked picture of a health-plan member, over MCP.')
    .version(io.version)
    .showHelpAfterError('See digital-twin --help.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      getOutHelpWidth: () => io.stdout.columns ?? 100,
      getErrHelpWidth: () => io.stderr.columns ?? 100,
      getOutHasColors: () => io.stdout.isTTY === true,
      getErrHasColors: () => io.stderr.isTTY === true,
    });
  addServe(program, io, setExit);
  addStdio(program, io);
  addFront(program, io);
  addDoctor(program, io, setExit);
  addConfig(program, io);
  addReset(program, io);
  addImport(program, io, setExit);
  addPusher(program, io);
  addReading(program, io);
  addWatch(program, io);
  addToken(program, io);
  addLoginCode(program, io);
  addRelations(program, io);
  addAgents(program, io);
  addBreakGlass(program, io);
  addFlags(program, io);
  addAudit(program, io, setExit);
  addDlq(program, io);
  addReplay(program, io);
  addSchema(program, io, setExit);
  addTopics(program, io, setExit);
  addSnapshot(program, io);
  addKeeping(program, io);
  addKeys(program, io);
  addExport(program, io);
  addEligibility(program, io, setExit);
  return program;
}
