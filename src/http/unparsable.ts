import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { Fault } from '../kernel/errors.ts';
import { randomId } from '../kernel/ids.ts';
import { plainError } from './respond.ts';

const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/**
 * Answers what node could not parse, in our words: nothing of it has reached a route. A connection
 * that has been answered on before is cut, since an answer may be under way.
 */
export function answerUnparsable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || socket.bytesWritten > 0) {
    socket.destroy();
    return;
  }
  const status = STATUS_BY_CODE[error.code ?? ''] ?? 400;
  const fault = new Fault(status === 431 ? 'TOO_LARGE' : 'INVALID_REQUEST');
  const text = JSON.stringify(plainError(fault, randomId())[1]);
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Cache-Control: no-store',
    'Connection: close',
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${text}`);
}
