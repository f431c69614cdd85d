import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * The suite cannot send a token, so this proxy adds one and leaves everything else as it came,
 * Host and Origin included: authentication stays on, and the guards see what the suite sent.
 */
export interface TokenProxy {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * @param target origin of the server
 * @param token asked for at each request, so that none expires during a long run
 */
export async function startTokenProxy(
  target: string,
  token: () => Promise<string>,
): Promise<TokenProxy> {
  const { host, hostname, port } = new URL(target);
  let own = '';
  const forward = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    // Our own address in Host and Origin becomes the server's; a foreign one stays foreign.
    const headers = req.rawHeaders.map((value) => value.replaceAll(own, host));
    const ahead = request({
      ...{ hostname, port, method: req.method, path: req.url, setHost: false, agent: false },
      headers: [...headers, 'Authorization', `Bearer ${await token()}`],
    });
    ahead.on('response', (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(res);
    });
    ahead.on('error', () => res.destroy());
    res.on('close', () => ahead.destroy());
    req.pipe(ahead);
  };
  const server = createServer((req, res) => {
    forward(req, res).catch(() => res.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  own = `localhost:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${own}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}
