import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Streams as they come off their sockets, none of them parsed: what is counted are words. */
export interface Listeners {
  /** Resolves when each of them was told once more than when this was last asked. */
  heard(): Promise<void>;
  close(): void;
}

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';
const UPDATED = 'notifications/resources/updated';
/** How many ask for a stream at the same time. */
const AT_ONCE = 32;

/** Opens one stream for each request, which is whole as it goes over the wire. */
export async function openListeners(
  port: number,
  requests: readonly string[],
  onOpen: (open: number) => void,
): Promise<Listeners> {
  const told = requests.map(() => 0);
  const sockets: Socket[] = [];
  let [missing, rounds] = [0, 0];
  let whole = Promise.withResolvers<void>();
  const open = async (index: number): Promise<void> => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    sockets.push(socket);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let [text, acknowledged] = ['', false];
    socket.setEncoding('latin1');
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('a stream was closed')));
    socket.on('data', (chunk) => {
      text += String(chunk);
      if (!acknowledged && text.includes(ACKNOWLEDGED)) {
        acknowledged = true;
        resolve();
      }
      for (let at = text.indexOf(UPDATED); at >= 0; at = text.indexOf(UPDATED)) {
        text = text.slice(at + UPDATED.length);
        told[index] = (told[index] ?? 0) + 1;
        if (told[index] === rounds && --missing === 0) whole.resolve();
      }
      // A name may be cut in two by the end of a packet.
      text = text.slice(-UPDATED.length);
    });
    await once(socket, 'connect');
    socket.write(requests[index] ?? '');
    await promise;
    onOpen(sockets.length);
  };
  const left = requests.keys();
  const worker = async (): Promise<void> => {
    for (const index of left) await open(index);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return {
    async heard() {
      rounds += 1;
      missing = told.filter((count) => count < rounds).length;
      whole = Promise.withResolvers();
      if (missing > 0) await whole.promise;
    },
    close() {
      for (const socket of sockets) socket.removeAllListeners('close').destroy();
    },
  };
}
