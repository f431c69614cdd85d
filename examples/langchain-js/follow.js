/**
 * Says when to look at a document: told of a change, connected anew, or quiet for a while.
 *
 * The session of the 2025 era ends with its server, and a notice may be lost with it or come twice;
 * so whoever looks has to know what it has seen.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { MultiServerMCPClient } from '@langchain/mcp-adapters';

const QUIET_MS = 5_000;

/** @param look `(adapter, uri, 'read' or 'told')`, answers whether the document may be read */
export async function follow(uris, look, say) {
  for (;;) {
    await connection(uris, look, say).catch(({ message }) => say('lost', { message }));
    await sleep(1_000);
  }
}

async function connection(uris, look, say) {
  const told = [];
  let wake = () => undefined;
  const headers = { Authorization: `Bearer ${process.env.TWIN_TOKEN}` };
  const adapter = new MultiServerMCPClient({
    mcpServers: { twin: { url: `${process.env.TWIN_URL}/mcp`, headers } },
    onResourcesUpdated: ({ uri }) => wake(told.push(uri)),
  });
  try {
    const readable = [];
    for (const uri of uris) if (await look(adapter, uri, 'read')) readable.push(uri);
    const client = await adapter.getClient('twin');
    for (const uri of readable) await client.subscribeResource({ uri });
    say('listening', { uris: readable });
    for (;;) {
      const noticed = new Promise((resolve) => (wake = resolve));
      if (told.length === 0) await Promise.race([noticed, sleep(QUIET_MS)]);
      const [why, reread] = told.length > 0 ? ['told', told.splice(0)] : ['read', readable];
      for (const uri of reread) await look(adapter, uri, why);
    }
  } finally {
    await adapter.close();
  }
}
