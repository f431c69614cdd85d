import { createServer, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An HTTP proxy on loopback that says each `resources/updated` twice, and can lose its server. */
export interface RepeatingProxy {
  readonly url: string;
  /** Ends every exchange, and each new one, until there is a server again. */
  lose(): void;
  forward(to: string): void;
  stop(): Promise<void>;
}

export async function repeatingProxy(to: string): Promise<RepeatingProxy> {
  let target: URL | undefined = new URL(to);
  const open = new Set<ServerResponse>();
  const server = createServer((req, res) => {
    if (target === undefined) return void res.destroy();
    open.add(res);
    const headers = { ...req.headers, host: target.host };
    const onward = request(new URL(req.url ?? '/', target), { method: req.method, headers });
    onward.on('response', (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      // The server writes an event whole, and loopback hands it on so.
      answer.on('data', (chunk: Buffer) => {
        res.write(chunk);
        if (chunk.includes('notifications/resources/updated')) res.write(chunk);
      });
      answer.on('end', () => res.end());
      answer.on('error', () => res.destroy());
    });
    onward.on('error', () => res.destroy());
    res.on('close', () => {
      open.delete(res);
      onward.destroy();
    });
    req.pipe(onward);
  });
  return {
    url: await listening(server),
    lose() {
      target = undefined;
      for (const res of open) res.destroy();
    },
    forward(next) {
      target = new URL(next);
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
