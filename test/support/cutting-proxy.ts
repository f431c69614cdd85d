import { connect, createServer, type Socket } from 'node:net';

/** A TCP proxy on loopback that breaks connections in the middle of what the server says. */
export interface CuttingProxy {
  readonly url: string;
  /** How many connections were broken. */
  readonly cuts: number;
  /** Breaks the next connection whose answer has `text`, right behind it, and only that one. */
  cutBehind(text: string): void;
  stop(): Promise<void>;
}

export async function cuttingProxy(to: string): Promise<CuttingProxy> {
  const { host, hostname, port } = new URL(to);
  let own = '';
  const sockets = new Set<Socket>();
  let behind: string | undefined;
  let cuts = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      const end = (): void => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      };
      socket.on('error', end).on('close', end);
    }
    // The server compares Host with its own address.
    client.on('data', (chunk: Buffer) => {
      upstream.write(chunk.toString('latin1').replaceAll(own, host), 'latin1');
    });
    upstream.on('data', (chunk: Buffer) => {
      const at = behind === undefined ? -1 : chunk.indexOf(behind);
      if (behind === undefined || at < 0) return void client.write(chunk);
      const heard = chunk.subarray(0, at + Buffer.byteLength(behind));
      behind = undefined;
      cuts += 1;
      upstream.destroy();
      client.end(heard);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  own = `127.0.0.1:${address.port}`;
  return {
    url: `http://${own}`,
    get cuts() {
      return cuts;
    },
    cutBehind(text) {
      behind = text;
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
