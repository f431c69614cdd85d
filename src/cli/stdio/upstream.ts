import { spawn } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { environmentWith } from '../../config/environment.ts';
import { findServer, type ServerFile } from '../../config/server-file.ts';
import { type TokenSource, TwinError } from '../../sdk/index.ts';

/** A server that answers, for as long as it does. */
export interface Reached {
  readonly url: string;
  readonly token: TokenSource;
  /** Resolves when this server has gone; pending for ever where that cannot be told. */
  readonly lost: Promise<void>;
}

/** Where frames go. */
export interface Upstream {
  /** The server now: the one known, else the one that runs, else one that is started. */
  current(): Promise<Reached>;
  /** It does not answer: the next `current` looks for a server again. */
  forget(reached: Reached): void;
  /** Whether a server runs, without starting one. */
  running(): Promise<boolean>;
  close(): void;
}

export interface LocalUpstreamOptions {
  readonly dataDir: string;
  /** Program and arguments before the subcommand. */
  readonly launcher: readonly string[];
  readonly log: (text: string) => void;
  readonly tokenFor: (server: ServerFile) => TokenSource;
}

/** A started server ends this long after its last client. */
const IDLE_EXIT_SECONDS = 60;
const START_DEADLINE_MS = 60_000;
/** After the started process has ended: time for another one, which has the directory. */
const OTHER_DEADLINE_MS = 5_000;
const POLL_MS = 50;
const LOG_FILE = 'server.log';

/**
 * The server of a data directory. One open request tells it that we are here (it ends by itself
 * when it was started for bridges), and tells us when it has gone.
 */
export function localUpstream(options: LocalUpstreamOptions): Upstream {
  const held = new Map<Reached, AbortController>();
  let known: Promise<Reached> | undefined;
  const forget = (reached: Reached): void => {
    const holding = held.get(reached);
    if (holding === undefined) return;
    held.delete(reached);
    known = undefined;
    holding.abort();
  };
  const reach = async (): Promise<Reached> => {
    const server = await foundOrStarted(options);
    options.log(`connected to ${server.url}, process ${server.pid}`);
    const holding = new AbortController();
    const lost: Promise<void> = hold(server, holding.signal).then(() => forget(reached));
    const reached: Reached = { url: server.url, token: options.tokenFor(server), lost };
    held.set(reached, holding);
    return reached;
  };
  return {
    current() {
      known ??= reach().catch((error: unknown) => {
        known = undefined;
        throw error;
      });
      return known;
    },
    forget,
    running: async () => (await readyServer(options.dataDir)) !== undefined,
    close: () => {
      for (const holding of held.values()) holding.abort();
    },
  };
}

/** A server somewhere else, with a token for it: nothing is started, and its end is not told. */
export function fixedUpstream(url: string, token: TokenSource): Upstream {
  const reached = { url, token, lost: new Promise<void>(() => undefined) };
  return {
    current: () => Promise.resolve(reached),
    forget: () => undefined,
    running: () => Promise.resolve(true),
    close: () => undefined,
  };
}

/** Resolves when the server has closed the held request, or the signal has. */
async function hold({ url, key }: ServerFile, signal: AbortSignal): Promise<void> {
  try {
    const headers = { authorization: `Bearer ${key}` };
    const response = await fetch(`${url}/oauth/dev/hold`, { headers, signal, redirect: 'error' });
    for await (const _ of response.body ?? []) {
      // Nothing is said; the end is.
    }
  } catch {
    // However it ended, it has.
  }
}

async function readyServer(dataDir: string): Promise<ServerFile | undefined> {
  const server = await findServer(dataDir);
  if (server === undefined) return undefined;
  const ready = await fetch(`${server.url}/readyz`, { redirect: 'error' }).catch(() => undefined);
  await ready?.body?.cancel();
  return ready?.ok === true ? server : undefined;
}

/**
 * When two bridges start at once the directory's lock lets one server live, and both bridges find
 * that one: so a started process that ends is no fault yet.
 */
async function foundOrStarted(options: LocalUpstreamOptions): Promise<ServerFile> {
  const { dataDir, log } = options;
  const running = await readyServer(dataDir);
  if (running !== undefined) return running;
  let deadline = performance.now() + START_DEADLINE_MS;
  if ((await findServer(dataDir)) === undefined) {
    log(`starting a server on ${dataDir}`);
    await start(options, () => {
      deadline = Math.min(deadline, performance.now() + OTHER_DEADLINE_MS);
    });
  }
  while (performance.now() < deadline) {
    const server = await readyServer(dataDir);
    if (server !== undefined) return server;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const message = `The server did not start: see ${join(dataDir, LOG_FILE)}.`;
  throw new TwinError('UNREACHABLE', { message });
}

/** Starts a server on a free loopback port, which outlives this process. */
async function start(
  { dataDir, launcher }: LocalUpstreamOptions,
  onEnd: () => void,
): Promise<void> {
  const [program = process.execPath, ...before] = launcher;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const output = await open(join(dataDir, LOG_FILE), 'a', 0o600);
  const args = ['serve', '--port', '0', '--data-dir', dataDir];
  const child = spawn(program, [...before, ...args, '--idle-exit', String(IDLE_EXIT_SECONDS)], {
    detached: true,
    stdio: ['ignore', output.fd, output.fd],
    // It serves this machine's bridges, whatever else the environment says.
    env: environmentWith({ HOST: '127.0.0.1', DIGITAL_TWIN_TOKEN: '' }),
    windowsHide: true,
  });
  child.once('exit', onEnd).once('error', onEnd).unref();
  await output.close();
}
