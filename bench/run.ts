/**
 * Benchmarks, never part of CI: `npm run bench -- search --members 1000`. Each prints a table and
 * writes `bench/results/{name}.json`.
 */

import { parseArgs } from 'node:util';
import { benchChanges } from './changes.ts';
import { benchEligibility } from './eligibility.ts';
import { benchEvents } from './events.ts';
import { benchFanout } from './fanout.ts';
import { benchGateway } from './gateway.ts';
import { benchGatewayChurn } from './gateway-churn.ts';
import { benchGatewayGap } from './gateway-gap.ts';
import { benchGatewayHerd } from './gateway-herd.ts';
import { benchGatewayHold } from './gateway-hold.ts';
import { benchGatewayPeer } from './gateway-peer.ts';
import { benchListeners } from './listeners.ts';
import { benchReads } from './reads.ts';
import { benchSearch } from './search.ts';
import { benchStreams } from './streams.ts';
import { printTable } from './table.ts';

const HELP = `npm run bench -- [NAME] [--members N] [--rate N] [--seconds N] [--json]

  search      search over HTTP for one member and a panel, beside MiniSearch; import and rebuild
  reads       authorized and audited reads over MCP beside the bare SDK handler and node:http, in
              turns of --seconds each; 200 people, 1,000 members
  fanout      one event to 5,000 listeners beside the SDK's handler: server CPU and memory a stream
  changes     what one changed record costs the view, for a small and a large member
  listeners   from a fact on twins.intake of a real Kafka to the bytes at a subscriber, with one
              listener for each member and --rate facts a second
  events      the consumer framework beside the bare client, by both libraries, in turns
  gateway     the realtime gateway on Kafka and Redis: --members connections, each with a member of
              its own, --rate events a second, one event to all; a stock ws server as the floor
  gateway-hold  --members connections over four processes on one port, held for --seconds
  gateway-herd  --members connections (default 10000) over four processes: all at once, one killed, all
              cut, a rolling restart; how long each is away, as our SDK and as pusher-js comes again
  gateway-peer  the gateway, a stock ws server and a Centrifugo 6 in turns, under one generator: --members
              connections (default 5000), --rate events a second, --seconds of them; and what is lost
              under kill -9. --centrifugo ws://127.0.0.1:8000/connection/websocket says where it is,
              --api and --key its HTTP API (http://127.0.0.1:8000/api); --pid its process, for memory,
              or --command what starts it (docs/gateway.md has its configuration)
  gateway-churn  200 connections a second come and go on a whole server with Redis for --seconds (T21
              says 1800): memory, registry against sockets, files and handles
  gateway-gap  no instance at all for --seconds (T12 says 120): how soon stock SDKs behind the front are
              back
  eligibility who gets the next slot of the clearinghouse, beside five other ways, in virtual time
  streams     what an event costs among few and among many streams of others, in turns
  table       what each of them measured last, in one table

Members of search are re-keyed copies of the shared Synthea bundles, loaded once into
~/.cache/digital-twin-mcp and kept there. The results go to bench/results.
`;

const EVENTS = 100_000;
const ROUNDS = 5;
/** Where not 1,000. */
const MEMBERS_OF = new Map([
  ['gateway-herd', '10000'],
  ['gateway-peer', '5000'],
]);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    members: { type: 'string' },
    rate: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '20' },
    centrifugo: { type: 'string' },
    api: { type: 'string' },
    key: { type: 'string' },
    pid: { type: 'string' },
    command: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean' },
  },
});
const [name = 'search', ...more] = positionals;
const usual = MEMBERS_OF.get(name) ?? '1000';
const [members = 0, rate = 0, seconds = 0] = [
  values.members ?? usual,
  values.rate,
  values.seconds,
].map(Number);
const { centrifugo: url, api, key: apiKey, command } = values;
const pid = values.pid === undefined ? undefined : Number(values.pid);
const centrifugo = url === undefined ? undefined : { url, api, apiKey, pid, command };
const BENCHES: Readonly<Record<string, () => Promise<void>>> = {
  search: () => benchSearch(members),
  reads: () => benchReads(seconds),
  fanout: benchFanout,
  changes: benchChanges,
  listeners: () => benchListeners(members, rate, seconds),
  events: () => benchEvents(EVENTS, ROUNDS),
  streams: benchStreams,
  table: async () => printTable(values.json),
  gateway: () => benchGateway(members, rate, seconds),
  'gateway-hold': () => benchGatewayHold(members, seconds),
  'gateway-herd': () => benchGatewayHerd(members),
  'gateway-peer': () => benchGatewayPeer({ connections: members, rate, seconds, centrifugo }),
  'gateway-churn': () => benchGatewayChurn(seconds),
  'gateway-gap': () => benchGatewayGap(seconds),
  eligibility: benchEligibility,
};
const bench = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined;
const areCounts = [members, rate, seconds, pid ?? 1].every(
  (one) => Number.isSafeInteger(one) && one > 0,
);
if (values.help === true || bench === undefined || more.length > 0 || !areCounts) {
  process.stdout.write(HELP);
  process.exitCode = values.help === true ? 0 : 2;
} else {
  await bench();
}
