import { connect, createServer, type Server, type Socket } from 'node:net';
import { type Head, headOf, switchingTo } from './upgrade.ts';

export interface Target {
  readonly host: string;
  readonly port: number;
}

export interface FrontOptions {
  readonly targets: readonly Target[];
  /** How long a WebSocket waits for an instance. */
  readonly parkMs: number;
}

const HEAD_BYTES_MAX = 16 * 1024;
const HEAD_MS = 10_000;
/** What a client may say while it waits: the pings of an SDK, and little more. */
const PARKED_BYTES_MAX = 64 * 1024;
const CONNECT_MS = 1_000;
const RETRY_MS = 200;
/** The process may hold 20,000 files, two a connection. */
const CONNECTIONS_MAX = 9_000;
const AWAY =
  'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';

/**
 * Stands before the instances and always takes a WebSocket: stock SDKs whose connection is refused
 * stay away for 15 to 60 s, and wait for seconds on one that was taken (realtime.md §0.2, §5.5). While
 * no instance is there it answers the handshake itself and keeps the connection; once there is one, it
 * makes the same handshake there, and is a wire from then on. It reads nothing but the request's head.
 */
export class Front {
  readonly #options: FrontOptions;
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #turn = 0;
  #stopped = false;

  constructor(options: FrontOptions) {
    this.#options = options;
    this.#server = createServer((client) => void this.#take(client));
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  /** Answers the port. */
  listen({ host, port }: Target): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        const at = this.#server.address();
        resolve(typeof at === 'object' && at !== null ? at.port : port);
      });
    });
  }

  stop(): Promise<void> {
    this.#stopped = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#open) socket.destroy();
    return closed;
  }

  async #take(client: Socket): Promise<void> {
    this.#open.add(client);
    client.on('error', () => client.destroy());
    client.once('close', () => this.#open.delete(client));
    const head = await this.#headFrom(client, HEAD_MS);
    if (head === undefined) {
      client.destroy();
      return;
    }
    const instance = await this.#reach();
    if (instance !== undefined) {
      instance.write(Buffer.concat([head.bytes, head.rest]));
      wire(client, instance);
      return;
    }
    const answer = switchingTo(head);
    if (answer === undefined) client.end(AWAY);
    else await this.#park(client, head, answer);
  }

  async #park(client: Socket, head: Head, answer: string): Promise<void> {
    const said: Buffer[] = [head.rest];
    let bytes = head.rest.length;
    const keep = (chunk: Buffer): void => {
      said.push(chunk);
      bytes += chunk.length;
      if (bytes > PARKED_BYTES_MAX) client.destroy();
    };
    client.on('data', keep);
    client.resume();
    client.write(answer);
    const until = performance.now() + this.#options.parkMs;
    while (!client.destroyed && !this.#stopped && performance.now() < until) {
      // Not all of a crowd in the same moment.
      await pause(RETRY_MS * (0.5 + Math.random()));
      const instance = client.destroyed ? undefined : await this.#reach();
      if (instance === undefined) continue;
      instance.write(head.bytes);
      const answered = await this.#headFrom(instance, HEAD_MS);
      const isTaken = answered?.bytes.subarray(0, 12).toString('latin1') === 'HTTP/1.1 101';
      if (!isTaken || client.destroyed) {
        instance.destroy();
        break;
      }
      client.pause();
      client.off('data', keep);
      client.write(answered.rest);
      instance.write(Buffer.concat(said));
      wire(client, instance);
      return;
    }
    client.destroy();
  }

  /** The next that answers, each one tried once. */
  async #reach(): Promise<Socket | undefined> {
    const { targets } = this.#options;
    this.#turn += 1;
    for (let tried = 0; tried < targets.length; tried += 1) {
      const target = targets[(this.#turn + tried) % targets.length];
      const socket = target && (await dial(target));
      if (socket !== undefined) return socket;
    }
    return undefined;
  }

  /** The socket is paused after it. */
  #headFrom(socket: Socket, withinMs: number): Promise<Head | undefined> {
    return new Promise((resolve) => {
      let bytes = Buffer.alloc(0);
      const end = (head: Head | undefined): void => {
        clearTimeout(late);
        socket.pause();
        socket.off('data', take).off('close', cut);
        resolve(head);
      };
      const cut = (): void => end(undefined);
      const take = (chunk: Buffer): void => {
        bytes = Buffer.concat([bytes, chunk]);
        const head = headOf(bytes);
        if (head !== undefined) end(head);
        else if (bytes.length > HEAD_BYTES_MAX) end(undefined);
      };
      const late = setTimeout(cut, withinMs);
      socket.on('data', take).once('close', cut);
    });
  }
}

function dial({ host, port }: Target): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: CONNECT_MS });
    const away = (): void => {
      socket.destroy();
      resolve(undefined);
    };
    socket.once('error', away).once('timeout', away);
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.off('error', away).off('timeout', away);
      socket.on('error', () => socket.destroy());
      resolve(socket);
    });
  });
}

function wire(client: Socket, instance: Socket): void {
  client.once('close', () => instance.destroy());
  instance.once('close', () => client.destroy());
  client.setNoDelay(true);
  instance.setNoDelay(true);
  client.pipe(instance);
  instance.pipe(client);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
