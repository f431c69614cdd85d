import { createHash } from 'node:crypto';
import { WS_SUBPROTOCOL } from '../../contract/frames.ts';

/** What begins an HTTP exchange, as bytes; the body, if any, comes after it. */
export interface Head {
  readonly bytes: Buffer;
  /** By lower-case name, the last of each. */
  readonly headers: ReadonlyMap<string, string>;
  readonly rest: Buffer;
}

const END = '\r\n\r\n';

/** `undefined` while the head is not whole. */
export function headOf(bytes: Buffer): Head | undefined {
  const end = bytes.indexOf(END);
  if (end < 0) return undefined;
  const lines = bytes.subarray(0, end).toString('latin1').split('\r\n').slice(1);
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  const whole = end + END.length;
  return { bytes: bytes.subarray(0, whole), headers, rest: bytes.subarray(whole) };
}

/** RFC 6455 §1.3 */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/**
 * The handshake as our server answers it, or `undefined` for whatever asks for no WebSocket: no
 * extension, and our own sub-protocol where it was offered.
 */
export function switchingTo({ headers }: Head): string | undefined {
  const key = headers.get('sec-websocket-key');
  const upgrade = headers.get('upgrade')?.toLowerCase();
  if (upgrade !== 'websocket' || key === undefined) return undefined;
  if (!/^[A-Za-z0-9+/]{22}==$/.test(key)) return undefined;
  const accept = createHash('sha1').update(`${key}${GUID}`).digest('base64');
  const offered = headers.get('sec-websocket-protocol')?.split(',') ?? [];
  const speaks = offered.some((one) => one.trim() === WS_SUBPROTOCOL);
  return [
    'HTTP/1.1 101 Switching Protocols',
    ...['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`],
    ...(speaks ? [`Sec-WebSocket-Protocol: ${WS_SUBPROTOCOL}`] : []),
    ...['', ''],
  ].join('\r\n');
}
