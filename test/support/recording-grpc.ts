import { once } from 'node:events';
import {
  type ClientHttp2Session,
  connect,
  constants,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';

/** A proxy of gRPC without TLS that keeps what its clients say, headers decoded. */
export interface RecordingGrpc {
  /** `host:port` */
  readonly address: string;
  /** Headers and bodies of everything sent so far, as Latin-1. */
  said(): string;
  stop(): Promise<void>;
}

/** @param to `host:port` */
export async function recordingGrpc(to: string): Promise<RecordingGrpc> {
  const said: string[] = [];
  const server = createServer();
  const sessions = new Set<{ destroy(): void }>();
  // One connection for each: SpiceDB ends connections by their age, and then the client's ends too.
  server.on('session', (session) => {
    const behind = connect(`http://${to}`);
    for (const one of [session, behind]) {
      sessions.add(one);
      one.on('error', () => undefined).once('close', () => sessions.delete(one));
    }
    behind.once('goaway', () => session.close()).once('close', () => session.close());
    session.once('close', () => behind.close());
    session.on('stream', (stream, headers) => {
      said.push(JSON.stringify(headers));
      relay(behind, stream, headers, (chunk) => said.push(chunk.toString('latin1')));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    said: () => said.join('\n'),
    async stop() {
      for (const session of sessions) session.destroy();
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}

function relay(
  behind: ClientHttp2Session,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  seen: (chunk: Buffer) => void,
): void {
  const up = behind.request(headers, { endStream: false });
  let trailers: IncomingHttpHeaders = {};
  const giveUp = (): void => stream.close(constants.NGHTTP2_CANCEL);
  stream.on('error', () => undefined).on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.on('data', (chunk: Buffer) => {
    seen(chunk);
    up.write(chunk);
  });
  stream.once('end', () => up.end()).once('close', () => up.close(constants.NGHTTP2_CANCEL));
  up.on('error', giveUp).on('trailers', (given) => {
    trailers = given;
  });
  up.once('response', (given, flags) => {
    const isAll = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    stream.respond(given, isAll ? { endStream: true } : { waitForTrailers: true });
  });
  up.on('data', (chunk: Buffer) => void stream.write(chunk));
  up.once('end', () => stream.end());
}
