import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { type CommonOptions, configOf, DEFAULT_SUBJECT, tokenOf } from './connection.ts';
import { issueToken, renewingToken } from './development.ts';
import { type CliIo, note } from './io.ts';
import { Bridge } from './stdio/bridge.ts';
import { drainingStdin } from './stdio/draining.ts';
import { fixedUpstream, localUpstream, type Upstream } from './stdio/upstream.ts';

/**
 * MCP over stdin and stdout, owning no data: every frame goes to the server of the data directory,
 * which is started when none runs. Ends when stdin does. Nothing but MCP reaches stdout.
 */
export async function runStdio(
  io: CliIo,
  options: CommonOptions & { readonly actor?: string },
): Promise<void> {
  const log = (text: string): void => note(io, `digital-twin stdio: ${text}`);
  const upstream = upstreamOf(io, options, log);
  const bridge = new Bridge(upstream, log);
  const stdin = drainingStdin(io.stdin, () => bridge.idle());
  const ended = bridge.serve(new StdioServerTransport(stdin, io.stdout));
  io.signal?.addEventListener('abort', () => void bridge.close(), { once: true });
  // The first server is sought at once, so that the client's first request finds it running; when
  // it cannot be had, that request says why.
  upstream.current().catch((error: unknown) => {
    log(error instanceof Error ? error.message : String(error));
  });
  await ended;
}

function upstreamOf(
  io: CliIo,
  options: CommonOptions & { readonly actor?: string },
  log: (text: string) => void,
): Upstream {
  const config = configOf(io, options);
  const token = tokenOf(options, config);
  const { url, actor } = options;
  if (url !== undefined && token !== undefined) {
    return fixedUpstream(url, token);
  }
  const subject = {
    as: options.as ?? DEFAULT_SUBJECT,
    ...(actor !== undefined && { actor }),
  };
  return localUpstream({
    dataDir: config.dataDir,
    launcher: io.launcher,
    log,
    tokenFor: (server) => token ?? renewingToken(() => issueToken(server, subject)),
  });
}
