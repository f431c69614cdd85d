import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What stands before the instances: every connection goes to the first of them that answers. */
export interface Balancer {
  readonly port: number;
  /** In the order in which they are tried; with none of them, connections wait. */
  use(...urls: string[]): void;
  /** Cuts all connections, as a network does. */
  cut(): void;
  stop(): void;
}

export async function startBalancer(...first: string[]): Promise<Balancer> {
  let targets = first;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    open.add(client);
    client.on('error', () => undefined);
    client.once('close', () => open.delete(client));
    client.once('data', (request) => {
      client.pause();
      forward(client, request, () => targets);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    use(...urls) {
      targets = urls;
    },
    cut() {
      for (const socket of open) socket.destroy();
    },
    stop() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

const RETRY_MS = 50;

/** The instance is asked by its own name, as it checks the Host. */
function forward(
  client: Socket,
  request: Buffer,
  targets: () => readonly string[],
  tried = 0,
): void {
  const target = targets()[tried];
  if (target === undefined) {
    if (!client.destroyed) setTimeout(() => forward(client, request, targets), RETRY_MS);
    return;
  }
  const { port, host } = new URL(target);
  const named = request.toString('latin1').replace(/\r\nHost: [^\r]*/i, `\r\nHost: ${host}`);
  const instance = connect(Number(port), '127.0.0.1');
  let connected = false;
  instance.once('connect', () => {
    connected = true;
    instance.write(named, 'latin1');
    client.once('close', () => instance.destroy());
    client.pipe(instance).pipe(client);
    client.resume();
  });
  instance.on('error', () => {
    if (connected) client.destroy();
    else forward(client, request, targets, tried + 1);
  });
  instance.once('close', () => connected && client.destroy());
}
