import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../tools/parts/ports.ts';
import { CENTRIFUGO, type Dialect, FLOOR, OURS } from './dialects.ts';
import { endings, type Instance, type Published, startInstance } from './instances.ts';

/** HS256 of the tokens that all sides are given. */
export const SECRET = 'a secret of a benchmark, of no use elsewhere';

/** A server that runs. */
export interface Running extends Instance {
  readonly url: string;
  /** Answers whether it was accepted. */
  publish(event: Published): Promise<boolean>;
}

export interface Side {
  readonly name: string;
  readonly dialect: Dialect;
  /** Whether it keeps what was published while it or a client is away. */
  readonly keeps: boolean;
  /** On the port where it was before, after a kill. */
  start(): Promise<Running>;
}

export interface CentrifugoOptions {
  /** `ws://host:port/connection/websocket` */
  readonly url: string;
  /** Address of its HTTP API; default `/api` of the same host and port. */
  readonly api?: string | undefined;
  readonly apiKey?: string | undefined;
  /** Of the running server, for memory and CPU. */
  readonly pid?: number | undefined;
  /** Starts it, in the foreground; then it is also killed and started again. */
  readonly command?: string | undefined;
}

export function floorSide(): Side {
  return {
    ...{ name: 'ws', dialect: FLOOR, keeps: false },
    async start() {
      const child = fork(new URL('./peer-floor.ts', import.meta.url));
      const [port] = (await once(child, 'message')) as [number];
      const at = `127.0.0.1:${port}`;
      return running(child, `ws://${at}/`, publisher(`http://${at}/api/publish`));
    },
  };
}

export async function ourSide(redisUrl: string): Promise<Side> {
  const port = await freePort();
  const at = `127.0.0.1:${port}`;
  return {
    ...{ name: 'ours', dialect: OURS, keeps: true },
    async start() {
      const instance = await startInstance({ port, redisUrl, secret: SECRET });
      const publish = publisher(`http://${at}/api/publish`);
      return { ...instance, url: `ws://${at}/v1/ws`, publish };
    },
  };
}

export function centrifugoSide({ url, api, apiKey = '', pid, command }: CentrifugoOptions): Side {
  const { host, hostname, port } = new URL(url);
  const publish = publisher(`${api ?? `http://${host}/api`}/publish`, { 'x-api-key': apiKey });
  return {
    ...{ name: 'centrifugo', dialect: CENTRIFUGO, keeps: command !== undefined },
    async start() {
      if (command === undefined) {
        const nothing = () => Promise.resolve();
        return { ...{ url, publish, pid: pid ?? 0 }, kill: nothing, stop: nothing };
      }
      const [program = '', ...args] = command.split(' ');
      const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
      await listening(hostname, Number(port), child);
      return running(child, url, publish);
    },
  };
}

function running(child: ChildProcess, url: string, publish: Running['publish']): Running {
  return { ...{ url, publish, pid: child.pid ?? 0 }, ...endings(child) };
}

const LISTENS_WITHIN_MS = 20_000;

async function listening(host: string, port: number, child: ChildProcess): Promise<void> {
  const until = performance.now() + LISTENS_WITHIN_MS;
  while (performance.now() < until && child.exitCode === null) {
    const socket = connect(port, host);
    const isThere = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (isThere) return;
    await sleep(50);
  }
  child.kill('SIGKILL');
  throw new Error('the server of --command does not listen where --centrifugo says');
}

const PUBLISHING_AT_ONCE = 64;
const ANSWER_WITHIN_MS = 5_000;

/** By HTTP with connections that stay, as a backend would; the same for every side. */
function publisher(url: string, more: Readonly<Record<string, string>> = {}): Running['publish'] {
  const agent = new Agent({ keepAlive: true, maxSockets: PUBLISHING_AT_ONCE });
  return (event) =>
    new Promise((resolve) => {
      const body = JSON.stringify(event);
      const headers = {
        ...{ 'content-type': 'application/json', ...more },
        'content-length': Buffer.byteLength(body),
      };
      const options = { agent, method: 'POST', headers, timeout: ANSWER_WITHIN_MS };
      const req = request(url, options, (res) => {
        const chunks: Buffer[] = [];
        res.on('data', (chunk: Buffer) => void chunks.push(chunk));
        res.once('error', () => resolve(false));
        // Centrifugo answers 200 with an error in the body.
        res.once('end', () => {
          resolve(res.statusCode === 200 && !Buffer.concat(chunks).includes('"error"'));
        });
      });
      req.once('timeout', () => req.destroy());
      req.once('error', () => resolve(false));
      req.end(body);
    });
}
