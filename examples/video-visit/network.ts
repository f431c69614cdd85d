import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { freePort } from '../../tools/parts/ports.ts';

/** A network in front of a server, that can be dropped: what is open dies, what comes has to wait. */
export interface Network {
  /** Where clients reach it: the server's `PUBLIC_URL`. */
  readonly origin: string;
  /** Where the server is to listen. */
  readonly serverPort: number;
  drop(): void;
  restore(): void;
  close(): Promise<void>;
}

export async function openNetwork(): Promise<Network> {
  const open = new Set<Socket>();
  const waiting = new Set<Socket>();
  let isDown = false;
  const serverPort = await freePort();
  const join = (client: Socket): void => {
    const server = connect(serverPort, '127.0.0.1');
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      open.add(from);
      from.on('error', () => undefined);
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  };
  const listener = createServer((client) => {
    if (!isDown) return join(client);
    waiting.add(client.pause());
    client.on('error', () => undefined);
    client.on('close', () => waiting.delete(client));
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const restore = (): void => {
    isDown = false;
    for (const client of waiting) join(client);
    waiting.clear();
  };
  const drop = (): void => {
    isDown = true;
    for (const socket of open) socket.resetAndDestroy();
  };
  return {
    origin: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    serverPort,
    drop,
    restore,
    close() {
      drop();
      for (const client of waiting) client.destroy();
      return new Promise((resolve) => listener.close(() => resolve()));
    },
  };
}
