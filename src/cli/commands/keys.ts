import type { Command } from 'commander';
import { ROTATABLE, type Rotatable, rotateKeys } from '../../config/keys.ts';
import { type CommonOptions, configOf, withSetupOptions } from '../connection.ts';
import { CliFault, EXIT } from '../faults.ts';
import { type CliIo, note, print, printJson } from '../io.ts';

/** `keys rotate`: changes the file of the deployment's keys, which the operator of the machine may. */
export function addKeys(program: Command, io: CliIo): void {
  const keys = program.command('keys').description('keys of the deployment, in KEYS_FILE');
  const rotate = keys
    .command('rotate [keys...]')
    .description(
      `replace ${ROTATABLE.join(' and ')}, or one of them; what the former key made is still known, ` +
        'what the one before it made is not. Then start the instances anew',
    );
  withSetupOptions(rotate).action(async (given: string[], options: CommonOptions) => {
    const names = given.length === 0 ? ROTATABLE : given.map(rotatable);
    const { keysFile } = configOf(io, options);
    await rotateKeys(keysFile, names);
    if (options.json === true) return printJson(io, { rotated: names });
    print(io, `replaced: ${names.join(', ')}`);
    note(io, 'Start the instances anew, one after the other: each takes the keys as it starts.');
  });
}

function rotatable(text: string): Rotatable {
  const found = ROTATABLE.find((name) => name === text);
  if (found !== undefined) return found;
  const why = 'etags, opaque ids and signatures of the audit hang on the others for good';
  throw new CliFault(EXIT.usage, `only ${ROTATABLE.join(' and ')} can be replaced: ${why}.`);
}
