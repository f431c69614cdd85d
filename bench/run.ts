/**
 * Benchmarks, never part of CI: `npm run bench -- search --members 1000`. Each prints a table and
 * writes `bench/results/{name}.json`.
 */

import { parseArgs } from 'node:util';
import { benchSearch } from './search.ts';

const HELP = `npm run bench -- [search] [--members N]

  search   search over HTTP for one member and a panel, beside MiniSearch; import and rebuild

Members are re-keyed copies of the shared Synthea bundles, loaded once into
~/.cache/digital-twin-mcp and kept there. The results go to bench/results.
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { members: { type: 'string', default: '1000' }, help: { type: 'boolean' } },
});
const members = Number(values.members);
const known = positionals.every((name) => name === 'search');
if (values.help === true || !known || !Number.isSafeInteger(members) || members < 1) {
  process.stdout.write(HELP);
  process.exitCode = values.help === true ? 0 : 2;
} else {
  await benchSearch(members);
}
