import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';

/** Connections under way at a time: more only wait for the same processor. */
const AT_ONCE = 200;
/** What was refused for now is asked for again, and who was sent away comes again, as an app would. */
const AGAIN_MS = 500;
/** `bind()` looks for a port in one address for longer and longer (realtime.md §7). */
const ALIASES = 30;

/** Sockets that say one thing each when they are open, and hear. */
export interface Crowd {
  /** From the first connection until the last one was answered, milliseconds. */
  readonly connectedMs: number;
  say(of: (index: number) => string): Promise<void>;
  close(): void;
}

export interface CrowdOptions {
  readonly url: (index: number) => string;
  readonly size: number;
  /** Said once open; answered by a message of this type. */
  readonly first: (index: number) => string;
  readonly onMessage: (text: string, index: number) => void;
  /** One that was answered was closed, by whomever; it does not come again. */
  readonly onClose?: (code: number) => void;
}

export async function crowd({
  url,
  size,
  first,
  onMessage,
  onClose,
}: CrowdOptions): Promise<Crowd> {
  const sockets: WebSocket[] = [];
  let answered = 0;
  let next = 0;
  const began = performance.now();
  const connect = (index: number, resolve: () => void, reject: (error: Error) => void): void => {
    const localAddress = `127.0.0.${2 + (index % ALIASES)}`;
    const socket = new WebSocket(url(index), { perMessageDeflate: false, localAddress });
    let isAnswered = false;
    sockets[index] = socket;
    socket.once('open', () => socket.send(first(index)));
    socket.once('error', reject);
    socket.once('close', (code) => {
      if (isAnswered) onClose?.(code);
      else setTimeout(connect, AGAIN_MS, index, resolve, reject);
    });
    socket.on('message', (data) => {
      const text = String(data);
      if (text.startsWith('{"type":"subscribed"')) {
        answered += 1;
        isAnswered = true;
        resolve();
      } else if (text.startsWith('{"type":"error"')) {
        setTimeout(() => socket.send(first(index)), AGAIN_MS);
      } else onMessage(text, index);
    });
  };
  const one = (index: number): Promise<void> =>
    new Promise((resolve, reject) => void connect(index, resolve, reject));
  const worker = async (): Promise<void> => {
    while (next < size) {
      const index = next;
      next += 1;
      await one(index);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const connectedMs = performance.now() - began;
  return {
    connectedMs,
    async say(of) {
      const before = answered;
      for (const [index, socket] of sockets.entries()) socket.send(of(index));
      while (answered < before + size) await sleep(20);
    },
    close() {
      for (const socket of sockets) socket.terminate();
    },
  };
}
