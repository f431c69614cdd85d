/** A GraphQL API over this server's HTTP, for apps that have one: nothing of it waits. See --help. */

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { GraphQLError } from 'graphql';
import { createSchema, createYoga, Repeater } from 'graphql-yoga';
// Elsewhere: from 'digital-twin-mcp/sdk'.
import { createTwinClient, TwinError, type Watched } from '../../src/sdk/index.ts';

const HELP = `node examples/graphql/server.ts [--server URL] [--port N]

Serves schema.graphql of this folder on http://127.0.0.1:PORT/graphql, subscriptions as server-sent
events. Whoever asks sends a token of their own, which goes on to the server as it is:

  Authorization: Bearer $(npx digital-twin token --as ana --scope "eligibility:check twin:read twin:subscribe")
`;

type CheckArgs = { member: string; cacheControl: 'PREFER_CACHE' | 'DEFAULT' | 'REQUIRE_FRESH' };
type OfMember = { member: string };

const { values } = parseArgs({
  options: {
    server: { type: 'string', default: 'http://localhost:3333' },
    port: { type: 'string', default: '4000' },
    help: { type: 'boolean' },
  },
});
/** Our caller's own token, so that they may what they may, and the audit names them. */
function contextOf(request: Request) {
  const [, token] = /^Bearer (\S+)$/.exec(request.headers.get('authorization') ?? '') ?? [];
  if (token === undefined) throw new GraphQLError('Send Authorization: Bearer TOKEN.');
  return { token, client: createTwinClient({ url: values.server, token }) };
}
type Context = ReturnType<typeof contextOf>;

/** The server's own words and code; never more than it tells a client. */
async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof TwinError)) throw error;
    throw new GraphQLError(error.message, { extensions: { code: error.code } });
  }
}

async function infoOf({ token }: Context, member: string): Promise<Record<string, unknown>> {
  const url = new URL('/v1/realtime/info', values.server);
  url.searchParams.set('member', member);
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  const answer = (await response.json()) as { error?: { code: string; message: string } };
  if (answer.error === undefined) return answer as Record<string, unknown>;
  throw new GraphQLError(answer.error.message, { extensions: { code: answer.error.code } });
}

const resolvers = {
  Query: {
    eligibilityCheck: async (_: unknown, { id }: { id: string }, { client }: Context) => {
      const { checkId, ...report } = await told(client.checks.report(id));
      return { id: checkId, ...report };
    },
    pusherSubscribeInfo: async (_: unknown, { member }: OfMember, context: Context) =>
      (await infoOf(context, member)).pusher,
    websocketSubscribeInfo: async (_: unknown, { member }: OfMember, context: Context) =>
      (await infoOf(context, member)).websocket,
    realtimeUse: async (_: unknown, { member }: OfMember, context: Context) =>
      (await infoOf(context, member)).use,
  },
  Mutation: {
    checkEligibility: async (_: unknown, args: CheckArgs, { client }: Context) => {
      const { member, cacheControl: mode } = args;
      const { checkId, ...answer } = await told(client.checks.ask({ member, mode }));
      return { id: checkId, ...answer };
    },
  },
  Subscription: {
    coverageChanged: {
      subscribe: (_: unknown, { member }: OfMember, { client }: Context) =>
        new Repeater<Watched>(async (push, stop) => {
          const left = new AbortController();
          void stop.then(() => left.abort());
          const uri = `mcp://twins/member/${member}/coverage`;
          await told(client.watch([uri], (change) => void push(change), { signal: left.signal }));
          stop();
        }),
      resolve: (change: Watched) => change,
    },
  },
};

function serve(): void {
  const typeDefs = readFileSync(new URL('schema.graphql', import.meta.url), 'utf8');
  const schema = createSchema<Context>({ typeDefs, resolvers });
  const yoga = createYoga({
    schema,
    context: ({ request }) => contextOf(request),
    landingPage: false,
    graphiql: false,
  });
  const server = createServer(yoga);
  server.listen(Number(values.port), '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo;
    process.stdout.write(`http://127.0.0.1:${port}/graphql\n`);
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      server.closeAllConnections();
      server.close();
    });
  }
}

if (values.help === true) process.stdout.write(HELP);
else serve();
