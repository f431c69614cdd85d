import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { Fetch } from './http.ts';

export const PROTOCOL_VERSION = '2026-07-28';

/** A new client of the 2026-07-28 era, its version agreed with the server. */
export type Connect = () => Promise<Client>;

export function connector(origin: string, fetch: Fetch, name: string): Connect {
  return async () => {
    const client = new Client(
      { name, version: '0.1.0' },
      { versionNegotiation: { mode: { pin: PROTOCOL_VERSION } } },
    );
    await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', origin), { fetch }));
    return client;
  };
}

/**
 * One shared client. Requests of this era are stateless, so that it outlives restarts of the
 * server; only the first agreement on a version can fail, and is then tried again.
 */
export function shared(connect: Connect): { client: Connect; close(): Promise<void> } {
  let connecting: Promise<Client> | undefined;
  return {
    client() {
      connecting ??= connect().catch((error: unknown) => {
        connecting = undefined;
        throw error;
      });
      return connecting;
    },
    async close() {
      const client = await connecting?.catch(() => undefined);
      connecting = undefined;
      await client?.close();
    },
  };
}
