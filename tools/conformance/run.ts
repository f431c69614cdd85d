/**
 * `npm run conformance`: the official MCP suite against this server in its conformance profile, with
 * authentication on, in both eras. Ends with 1 when a scored scenario is missed.
 */

import { startServer } from '../../test/support/server.ts';
import { runListenScenario } from './listen.ts';
import { startTokenProxy } from './proxy.ts';
import { type Outcome, REVISIONS, runSuite } from './suite.ts';

const server = await startServer({ args: ['--conformance'] });
const proxy = await startTokenProxy(server.url, () => server.token('ana'));
try {
  for (const revision of REVISIONS) report(revision, await runSuite(`${proxy.url}/mcp`, revision));
  report('our own', [await runListenScenario(server)]);
} finally {
  await proxy.close();
  await server.stop();
}

function report(revision: string, outcomes: readonly Outcome[]): void {
  const scored = outcomes.filter((outcome) => outcome.scored);
  const met = scored.filter(({ failures }) => failures.length === 0);
  const others = outcomes.filter((outcome) => !outcome.scored);
  const besides = others.filter(({ failures }) => failures.length === 0);
  say(`${revision}: ${met.length} of ${scored.length} scored scenarios`);
  const rest = others.filter(({ failures }) => failures.length > 0);
  const missed = rest.length > 0 ? `, not ${rest.map((one) => one.scenario).join(', ')}` : '';
  if (others.length > 0)
    say(`  besides ${besides.length} of ${others.length} that are not scored${missed}`);
  for (const { scenario, failures } of scored) {
    for (const failure of failures) say(`  ${scenario}: ${failure.slice(0, 200)}`);
  }
  if (met.length < scored.length || scored.length === 0) process.exitCode = 1;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
