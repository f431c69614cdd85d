import type { ServerResponse } from 'node:http';
import { drained } from './drained.ts';

/** A keep-alive comment of an event stream begins with a colon. */
const COLON = 0x3a;

/**
 * Writes a web `Response` to a Node response, a chunk at a time and only as fast as the socket
 * takes it, so that whoever feeds the stream can wait instead of queueing (security.md §0.2).
 */
export interface ResponseWriter {
  /** Resolves when the body has ended or the client has gone. */
  write(response: Response): Promise<void>;
  /** Whether the next message was handed to the socket and its buffer has drained. */
  delivered(): Promise<boolean>;
  readonly open: boolean;
  /** Ends the stream from our side, without a result. */
  end(): void;
}

export function createResponseWriter(res: ServerResponse): ResponseWriter {
  let waiting: ((delivered: boolean) => void)[] = [];
  // A client may go while its token is verified or its URIs are checked: no event tells of it then.
  let open = !res.destroyed;
  const wake = (delivered: boolean): void => {
    const woken = waiting;
    waiting = [];
    for (const resolve of woken) resolve(delivered);
  };
  res.once('close', () => {
    open = false;
    wake(false);
  });
  return {
    get open() {
      return open && !res.destroyed && !res.writableEnded;
    },
    async write(response) {
      if (!open) return void (await response.body?.cancel().catch(() => undefined));
      const headers = Object.fromEntries(response.headers);
      if (headers['content-type'] === 'application/json') {
        const body = Buffer.from(await response.arrayBuffer());
        res.writeHead(response.status, { ...headers, 'content-length': body.length });
        return void res.end(body);
      }
      res.writeHead(response.status, headers);
      if (response.body === null) return void res.end();
      res.flushHeaders();
      const reader = response.body.getReader();
      res.once('close', () => void reader.cancel().catch(() => undefined));
      for (;;) {
        const { done, value } = await reader.read();
        if (done || res.destroyed) break;
        if (!res.write(value)) await drained(res);
        if (value[0] !== COLON && !res.destroyed) wake(true);
      }
      res.end();
    },
    delivered: () =>
      open ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(false),
    end: () => void res.end(),
  };
}
