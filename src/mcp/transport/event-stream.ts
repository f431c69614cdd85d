import type { ServerResponse } from 'node:http';
import { drained } from './drained.ts';

/** An event stream that was begun: each frame goes to its socket, as fast as that takes them. */
export interface EventStream {
  readonly open: boolean;
  /** Whether the socket has taken the frame before it closed. */
  push(frame: string): Promise<boolean>;
  /** A comment, so that nobody on the way takes the stream for dead. */
  keepAlive(): void;
  /** Says the last frame and ends. */
  end(last: string): void;
  /** Resolves when it has ended, or the client has gone. */
  readonly over: Promise<void>;
}

export function eventStream(res: ServerResponse): EventStream {
  return {
    get open() {
      return !res.destroyed && !res.writableEnded;
    },
    async push(frame) {
      if (!this.open) return false;
      if (!res.write(frame)) await drained(res);
      return !res.destroyed;
    },
    keepAlive() {
      // Whoever wrote what the socket has not taken waits for it already.
      if (!this.open || res.writableNeedDrain) return;
      if (!res.write(': keepalive\n\n')) void drained(res);
    },
    end(last) {
      if (this.open) res.end(last);
    },
    over: new Promise((resolve) => {
      if (res.destroyed) resolve();
      else res.once('close', () => resolve());
    }),
  };
}

/** What the SDK says before there is anything to tell. */
export interface Opening {
  readonly frames: readonly Uint8Array[];
  /** There is nothing to come after it. */
  readonly whole: boolean;
}

/** Reads what an event stream says at once and leaves it; `undefined` for any other response. */
export async function openingOf(response: Response): Promise<Opening | undefined> {
  const isStream = response.headers.get('content-type') === 'text/event-stream';
  if (!isStream || response.body === null) return undefined;
  const reader = response.body.getReader();
  const frames: Uint8Array[] = [];
  for (;;) {
    // The acknowledgement may take its time; what comes with it is there in the same turn.
    const next = reader.read();
    const read = frames.length === 0 ? await next : await Promise.race([next, turn()]);
    if (read === undefined) break;
    if (read.done) return { frames, whole: true };
    frames.push(read.value);
  }
  await reader.cancel();
  return { frames, whole: false };
}

function turn(): Promise<undefined> {
  return new Promise((resolve) => setImmediate(() => resolve(undefined)));
}
