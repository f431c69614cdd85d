import { connect, createServer, type Socket } from 'node:net';

/** A TCP proxy on loopback whose network a test can break. */
export interface TcpProxy {
  readonly port: number;
  /** `host:port`, for settings. */
  readonly address: string;
  /** Open connections of clients. */
  readonly connections: number;
  /** Where new connections go. */
  forward(to: string): void;
  /** From now on every chunk takes so much longer, in each direction and in order. */
  delay(ms: number): void;
  /** Connections stay open, new ones are taken, nothing passes; what was said waits. */
  silence(): void;
  /** Resets every connection and each new one. */
  cut(): void;
  /** Everything passes again, what waited in silence first; what was cut stays cut. */
  restore(): void;
  /** Keeps what clients say from now on. @returns all of it so far, as Latin-1 */
  record(): () => string;
  stop(): Promise<void>;
}

/** @param to `host:port`; without it `forward` names it later, and until then clients are reset. */
export async function proxy(to?: string): Promise<TcpProxy> {
  const state: State = { target: to, delayMs: 0, silent: false, cutting: false, waiting: [] };
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    if (state.cutting || state.target === undefined) client.resetAndDestroy();
    else join(client, state.target, state, sockets);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  // A test that fails before it stops the proxy ends all the same.
  server.unref();
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  const cutAll = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port: address.port,
    address: `127.0.0.1:${address.port}`,
    get connections() {
      return sockets.size / 2;
    },
    forward(next) {
      state.target = next;
    },
    delay(ms) {
      state.delayMs = ms;
    },
    silence() {
      state.silent = true;
    },
    cut() {
      state.cutting = true;
      cutAll();
    },
    restore() {
      Object.assign(state, { delayMs: 0, silent: false, cutting: false });
      for (const pass of state.waiting.splice(0)) pass();
    },
    record() {
      const said: string[] = [];
      state.heard = (chunk) => void said.push(chunk.toString('latin1'));
      return () => said.join('');
    },
    async stop() {
      state.cutting = true;
      const closed = new Promise((resolve) => server.close(resolve));
      cutAll();
      await closed;
    },
  };
}

interface State {
  target: string | undefined;
  delayMs: number;
  silent: boolean;
  cutting: boolean;
  /** What continues when silence ends. */
  waiting: (() => void)[];
  heard?: (chunk: Buffer) => void;
}

function join(client: Socket, target: string, state: State, sockets: Set<Socket>): void {
  const [host = '', port = ''] = target.split(':');
  const server = connect({ host, port: Number(port), allowHalfOpen: true, noDelay: true });
  for (const [from, to] of [
    [client, server],
    [server, client],
  ] as const) {
    sockets.add(from.unref());
    from.once('close', () => {
      sockets.delete(from);
      to.resetAndDestroy();
    });
    from.on('error', () => to.resetAndDestroy());
    pipe(from, to, state, from === client).catch(() => to.resetAndDestroy());
  }
}

async function pipe(from: Socket, to: Socket, state: State, isClient: boolean): Promise<void> {
  for await (const chunk of from) {
    if (isClient) state.heard?.(chunk as Buffer);
    if (state.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, state.delayMs));
    await passing(state);
    if (!to.write(chunk)) await new Promise((resolve) => to.once('drain', resolve));
  }
  await passing(state);
  to.end();
}

async function passing(state: State): Promise<void> {
  while (state.silent) await new Promise<void>((resolve) => state.waiting.push(resolve));
}
