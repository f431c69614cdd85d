/**
 * The proxy of recording-grpc.ts, in a process of its own: Node's HTTP/2 once went round and round in
 * a session that was destroyed with streams open, which held the tests' process for good.
 */

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

const to = process.argv[2] ?? '';
const say = (text: string): void => void process.send?.({ said: text });
const server = createServer();
// One connection for each: SpiceDB ends connections by their age, and then the client's ends too.
server.on('session', (session) => {
  const behind = connect(`http://${to}`);
  for (const one of [session, behind]) one.on('error', () => undefined);
  behind.once('goaway', () => session.close()).once('close', () => session.close());
  session.once('close', () => behind.close());
  session.on('stream', (stream, headers) => {
    say(JSON.stringify(headers));
    relay(behind, stream, headers, (chunk) => say(chunk.toString('latin1')));
  });
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.send?.({ port: (server.address() as AddressInfo).port });

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
