import { relative } from 'node:path';
import type { Command } from 'commander';
import { type Config, loadConfig } from '../config/config.ts';
import { findServer } from '../config/server-file.ts';
import { type BreakGlassBanner, bannerSentence } from '../contract/break-glass.ts';
import { createTwinClient, type TokenSource, type TwinClient } from '../sdk/index.ts';
import { issueToken, type KeyHolder, renewingToken, type TokenRequest } from './development.ts';
import { CliFault, EXIT } from './faults.ts';
import { type CliIo, note } from './io.ts';

/** Flags of every command that talks to a server. */
export interface CommonOptions {
  readonly as?: string;
  readonly token?: string;
  readonly url?: string;
  /** Of the token that is made; the server's default where none is named. */
  readonly tenant?: string;
  readonly dataDir?: string;
  readonly json?: boolean;
}

/** Who holds `organization:demo#admin` and no member's record. */
export const DEFAULT_SUBJECT = 'operator';

export function withCommonOptions(command: Command, jsonToo = true): Command {
  command
    .option('--as <subject>', `act as this subject (development; default ${DEFAULT_SUBJECT})`)
    .option('--token <token>', 'access token (or DIGITAL_TWIN_TOKEN)')
    .option('--url <url>', 'origin of the server (default: the one of the data directory)')
    .option('--data-dir <directory>', 'data directory of the server (or DATA_DIR)');
  return jsonToo ? command.option('--json', 'print JSON') : command;
}

/** Of a command that asks no server, but what the server is set up with. */
export function withSetupOptions(command: Command): Command {
  return command
    .option('--data-dir <directory>', 'data directory of the server (or DATA_DIR)')
    .option('--json', 'print JSON');
}

export function configOf(io: CliIo, { dataDir }: Pick<CommonOptions, 'dataDir'>): Config {
  return loadConfig(io.input(dataDir === undefined ? {} : { DATA_DIR: dataDir }));
}

/** A client for one command, closed at its end. */
export async function withClient<T>(
  io: CliIo,
  options: CommonOptions,
  scope: string | undefined,
  use: (client: TwinClient) => Promise<T>,
): Promise<T> {
  const { url, token } = await connectionOf(io, options, scope);
  const onBreakGlass = (banners: readonly BreakGlassBanner[]): void => {
    for (const banner of banners) note(io, bannerSentence(banner));
  };
  const client = createTwinClient({ url, token, name: 'digital-twin-cli', onBreakGlass });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

export interface Connection {
  readonly url: string;
  readonly token: TokenSource;
}

/**
 * Where the server is and what to show it: `--token`, else `--as`, else `DIGITAL_TWIN_TOKEN`, else
 * the default subject. The key of `server.json` goes to the server that wrote it, and to no other.
 */
export async function connectionOf(
  io: CliIo,
  options: CommonOptions,
  scope: string | undefined,
): Promise<Connection> {
  const config = configOf(io, options);
  const token = tokenOf(options, config);
  if (token !== undefined) {
    return { url: options.url ?? (await localServer(io, config, options)).url, token };
  }
  const server = await localServer(io, config, options);
  const request: TokenRequest = {
    as: options.as ?? DEFAULT_SUBJECT,
    ...(scope !== undefined && { scope }),
    ...(options.tenant !== undefined && { tenant: options.tenant }),
  };
  return { url: server.url, token: renewingToken(() => issueToken(server, request)) };
}

/** The token that was given; `undefined` where one is to be made. */
export function tokenOf(
  { as, token }: Pick<CommonOptions, 'as' | 'token'>,
  config: Pick<Config, 'token'>,
): string | undefined {
  if (as !== undefined && token !== undefined) {
    throw new CliFault(EXIT.usage, '--as and --token say different things: give one of them.');
  }
  return token ?? (as === undefined ? config.token : undefined);
}

/** The server that runs on the data directory, with its key. */
export async function localServer(
  io: CliIo,
  { dataDir }: Pick<Config, 'dataDir'>,
  { url }: Pick<CommonOptions, 'url'> = {},
): Promise<KeyHolder> {
  const server = await findServer(dataDir);
  if (server === undefined) throw new CliFault(EXIT.unreachable, noServer(io, dataDir));
  if (url === undefined || sameOrigin(url, server.url)) return server;
  const message = `--as works with the server of ${shown(io, dataDir)} only; for ${url} give --token.`;
  throw new CliFault(EXIT.auth, message);
}

export function noServer(io: CliIo, dataDir: string): string {
  return `no server runs on DATA_DIR ${shown(io, dataDir)}: start one with \`npm start\``;
}

function shown(io: CliIo, dataDir: string): string {
  const path = relative(io.input({}).cwd, dataDir);
  return path.startsWith('..') ? dataDir : `./${path}`;
}

function sameOrigin(a: string, b: string): boolean {
  return URL.parse(a)?.origin === URL.parse(b)?.origin;
}
