import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below the range that the operating system gives to outgoing connections: a client that tries and
 * tries again while a part is down would else take the part's port, or connect to itself.
 */
const LOWEST = 20_000;
const HIGHEST = 32_000;

/** Free loopback ports, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  while (found.size < count) {
    const port = randomInt(LOWEST, HIGHEST);
    if (await isFree(port)) found.add(port);
  }
  return [...found];
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error('no port is free');
  return port;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
