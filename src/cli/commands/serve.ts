import type { Command } from 'commander';
import type { CliIo } from '../io.ts';

interface ServeOptions {
  readonly port?: string;
  readonly dataDir?: string;
  readonly idleExit?: string;
  readonly conformance?: true;
}

export function addServe(program: Command, io: CliIo, setExit: (code: number) => void): void {
  program
    .command('serve')
    .description('run the server (npm start)')
    .option('--port <port>', 'port to listen on (or PORT; 3333 or the next free one; 0 any)')
    .option('--data-dir <directory>', 'data directory (or DATA_DIR)')
    .option('--idle-exit <seconds>', 'stop this long after the last client has gone; 0 never')
    .option('--conformance', 'also serve what the MCP conformance suite asks for (development)')
    .action(async ({ port, dataDir, idleExit, conformance }: ServeOptions) => {
      const args = {
        ...(port !== undefined && { PORT: port }),
        ...(dataDir !== undefined && { DATA_DIR: dataDir }),
        ...(idleExit !== undefined && { IDLE_EXIT_SECONDS: idleExit }),
        ...(conformance === true && { CONFORMANCE: 'on' }),
      };
      setExit(await io.serve(args));
    });
}
