import { connect, createServer, type Socket } from 'node:net';

/** One connection through the proxy. */
export interface ProxiedConnection {
  /** Bytes that the client has sent. */
  readonly sent: number;
  /** Bytes that the server has said. */
  readonly received: number;
  readonly open: boolean;
  /** From now on nothing that the server says arrives; the connection stays open. */
  silence(): void;
}

/** A TCP proxy on loopback that can silence one connection and leave the others alone. */
export interface SelectiveProxy {
  /** `host:port` */
  readonly address: string;
  readonly connections: readonly ProxiedConnection[];
  stop(): Promise<void>;
}

/** @param to `host:port` */
export async function selectiveProxy(to: string): Promise<SelectiveProxy> {
  const [host = '', port = ''] = to.split(':');
  const connections: ProxiedConnection[] = [];
  const sockets = new Set<Socket>();
  const listener = createServer({ noDelay: true }, (client) => {
    const server = connect({ host, port: Number(port), noDelay: true });
    const state = { sent: 0, received: 0, open: true, silent: false };
    connections.push({
      get sent() {
        return state.sent;
      },
      get received() {
        return state.received;
      },
      get open() {
        return state.open;
      },
      silence() {
        state.silent = true;
      },
    });
    client.on('data', (chunk) => {
      state.sent += chunk.length;
      server.write(chunk);
    });
    server.on('data', (chunk) => {
      state.received += chunk.length;
      if (!state.silent) client.write(chunk);
    });
    for (const [from, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => other.destroy());
      from.on('close', () => {
        state.open = false;
        sockets.delete(from);
        other.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    address: `127.0.0.1:${address.port}`,
    connections,
    async stop() {
      const closed = new Promise((resolve) => listener.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
