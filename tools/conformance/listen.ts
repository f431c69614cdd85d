import { readDocument } from '../../test/support/ask.ts';
import { ANA_COVERAGE, changeCoverage } from '../../test/support/changes.ts';
import type { TestServer } from '../../test/support/server.ts';
import { etagOf, listen } from '../../test/support/streams.ts';
import type { Outcome } from './suite.ts';

/** A check in the suite's style: what went wrong, or nothing. */
type Check = (server: TestServer) => Promise<string | undefined>;

const SUBSCRIPTION_ID = 'io.modelcontextprotocol/subscriptionId';
const SELF = 'member:demo-ana#self@user:ana';
const REFUSED = [
  'mcp://twins/member/demo-dov/coverage',
  'mcp://twins/member/no-such-member/coverage',
  'MCP://twins/member/demo-ana/coverage',
  `${ANA_COVERAGE}/`,
  'no uri',
];

/**
 * The scenario that the suite has not: `subscriptions/listen` by what it grants
 * (basic/patterns/subscriptions.mdx; security.md §1.3 S1-S3, S7).
 */
const CHECKS: Readonly<Record<string, Check>> = {
  async ListenAcknowledgesWhatItHonors(server) {
    const stream = await listen(server, await server.token('ana'), [...REFUSED, ANA_COVERAGE]);
    stream.close();
    const said = stream.acknowledged.join();
    return said === ANA_COVERAGE ? undefined : `acknowledged ${said}`;
  },
  async ListenRefusesEachUriAlike(server) {
    for (const uri of REFUSED) {
      const stream = await listen(server, await server.token('ana'), [uri]);
      stream.close();
      if (stream.status !== 200) return `${uri}: HTTP ${stream.status}`;
      if (stream.acknowledged.length > 0) return `${uri} was acknowledged`;
    }
    return undefined;
  },
  async ListenTagsUpdatesAndTellsTheNewest(server) {
    const ana = await server.token('ana');
    const stream = await listen(server, ana, [ANA_COVERAGE]);
    const { position } = await changeCoverage(server);
    const meta = { 'io.digital-twin/minPosition': position };
    const { etag } = await readDocument(server, ana, ANA_COVERAGE, meta);
    await stream.heardOf(etag);
    stream.close();
    const untagged = stream.told.filter((told) => told.meta[SUBSCRIPTION_ID] === undefined);
    return untagged.length > 0 ? `${untagged.length} without subscription id` : undefined;
  },
  async ListenEndsWithTheRight(server) {
    const ana = await server.token('ana');
    const stream = await listen(server, ana, [ANA_COVERAGE]);
    await server.relations('delete', SELF);
    const before = stream.told.length;
    await changeCoverage(server);
    await stream.end();
    await server.relations('touch', SELF);
    return stream.told.length > before ? 'told after the right had ended' : undefined;
  },
  async ListenBoundsASlowReader(server) {
    const ana = await server.token('ana');
    const slow = await listen(server, ana, [ANA_COVERAGE]);
    const brisk = await listen(server, ana, [ANA_COVERAGE]);
    slow.pause();
    let position = '';
    for (let n = 0; n < 20; n += 1) ({ position } = await changeCoverage(server));
    const meta = { 'io.digital-twin/minPosition': position };
    const { etag } = await readDocument(server, ana, ANA_COVERAGE, meta);
    await brisk.heardOf(etag);
    slow.resume();
    await slow.heardOf(etag);
    slow.close();
    brisk.close();
    return etagOf(slow.told.at(-1)?.meta ?? {}) === etag ? undefined : 'the last is not the newest';
  },
};

/** Runs against a server with the demo members; it changes their coverage. */
export async function runListenScenario(server: TestServer): Promise<Outcome> {
  const failures: string[] = [];
  for (const [name, check] of Object.entries(CHECKS)) {
    const wrong = await check(server).catch((error: Error) => error.message);
    if (wrong !== undefined) failures.push(`${name}: ${wrong}`);
  }
  const passed = Object.keys(CHECKS).length - failures.length;
  return { scenario: 'subscriptions-listen', scored: true, passed, failures };
}
