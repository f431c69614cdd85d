/**
 * A service's own copy of its members' coverage, which used to be polled every few minutes: read once,
 * and again only when it is told of a change. Serves it to its neighbours. See --help.
 */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
// Elsewhere: from 'digital-twin-mcp/sdk'.
import { createTwinClient, type TwinClient } from '../src/sdk/index.ts';

const HELP = `DIGITAL_TWIN_TOKEN=… node examples/coverage-cache.ts MEMBER… [--server URL] [--port N]

  npx digital-twin token --as ana --scope "twin:read twin:subscribe"

Keeps the coverage of these members, prints a line at each change, and answers
GET http://127.0.0.1:PORT/MEMBER from memory until it is stopped.
`;
const { values, positionals: members } = parseArgs({
  allowPositionals: true,
  options: {
    server: { type: 'string', default: 'http://localhost:3333' },
    port: { type: 'string', default: '0' },
    help: { type: 'boolean' },
  },
});
const token = process.env.DIGITAL_TWIN_TOKEN;
if (values.help === true || members.length === 0 || token === undefined) {
  process.stdout.write(HELP);
  process.exitCode = values.help === true ? 0 : 2;
} else await keep(createTwinClient({ url: values.server, token }));

type Document = Awaited<ReturnType<TwinClient['read']>>['document'];

async function keep(client: TwinClient): Promise<void> {
  const kept = new Map<string, Document>();
  const read = async (uri: string, minPosition?: string): Promise<void> => {
    const known = kept.get(uri);
    const { document } = await client.read(uri, minPosition === undefined ? {} : { minPosition });
    kept.set(uri, document);
    if (document.etag !== known?.etag) say(`${uri} ${document.etag} as of ${document.asOf}`);
  };
  const stopped = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort());
  const uris = members.map((member) => `mcp://twins/member/${member}/coverage`);
  const server = serve(kept);
  const again = (uri: string, position?: string): void => {
    read(uri, position).catch((error: unknown) => console.error(String(error)));
  };
  await client.watch(uris, ({ uri, position }) => again(uri, position), {
    signal: stopped.signal,
    // First the subscription, then the read: what changes in between is told.
    onState({ state }) {
      if (state === 'listening') for (const uri of uris) again(uri);
    },
  });
  server.close();
}

function serve(kept: ReadonlyMap<string, Document>) {
  const server = createServer((req, res) => {
    const document = kept.get(`mcp://twins/member/${(req.url ?? '/').slice(1)}/coverage`);
    res.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' });
    res.end(JSON.stringify(document ?? {}));
  });
  server.listen(Number(values.port), '127.0.0.1', () => {
    say(`serving on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
  return server;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
