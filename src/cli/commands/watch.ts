import type { Command } from 'commander';
import { type CommonOptions, withClient, withCommonOptions } from '../connection.ts';
import { type CliIo, coloured, note, print } from '../io.ts';

export function addWatch(program: Command, io: CliIo): void {
  const watch = program
    .command('watch <uris...>')
    .description('print each change of these URIs as it happens, until interrupted');
  withCommonOptions(watch).action((uris: string[], options: CommonOptions) =>
    withClient(io, options, undefined, (client) =>
      client.watch(
        uris,
        (change) => {
          if (options.json === true) return print(io, JSON.stringify(change));
          const time = new Date().toISOString();
          print(io, `${time}  ${change.kind.padEnd(18)}  ${change.uri}  ${change.etag ?? ''}`);
        },
        {
          ...(io.signal !== undefined && { signal: io.signal }),
          onState(state) {
            if (state.state === 'away') {
              return note(io, coloured(io.stderr, 'yellow', 'connection lost: trying again'));
            }
            const granted = new Set(state.uris);
            note(io, coloured(io.stderr, 'dim', `watching ${state.uris.join(' ')}`));
            for (const uri of uris.filter((one) => !granted.has(one))) {
              note(io, `not watching ${uri}: there is nothing here, or you may not read it`);
            }
          },
        },
      ),
    ),
  );
}
