/** A client that is watched: what it read, what it was told, what it was refused, line by line. */

import { sleep } from '../../src/kernel/clock.ts';
import type { Connect, Target } from './clients.ts';

/** What happened, and to which document. */
export interface Line {
  readonly event: 'read' | 'refused' | 'listening' | 'told' | 'acted' | 'lost' | 'ended';
  readonly uri?: string;
  readonly uris?: readonly string[];
  readonly etag?: string;
  readonly code?: number;
}

export interface Program {
  readonly lines: readonly Line[];
  /** Waits for the `count`th line of an event. */
  seen(event: Line['event'], count?: number): Promise<Line>;
  /** Asks those that can be asked to read everything again. */
  again(): void;
  stop(): Promise<void>;
}

const SEEN_WITHIN_MS = 30_000;

/** @param failed whether no further line will come */
export async function seenIn(
  lines: readonly Line[],
  event: Line['event'],
  count: number,
  failed: () => boolean,
): Promise<Line> {
  const deadline = Date.now() + SEEN_WITHIN_MS;
  for (;;) {
    const found = lines.filter((line) => line.event === event)[count - 1];
    if (found !== undefined) return found;
    if (Date.now() > deadline || failed()) {
      throw new Error(`no ${event} ${count} in ${JSON.stringify(lines)}`);
    }
    await sleep(20);
  }
}

/** A client of the TypeScript SDK, made to do what the programs of `examples/` do. */
export async function startClient(
  connect: Connect,
  target: Target,
  uris: readonly string[],
): Promise<Program> {
  const client = await connect(target);
  const lines: Line[] = [];
  const read = async (uri: string, event: 'read' | 'told'): Promise<void> => {
    try {
      const { contents } = await client.read(uri);
      const { etag } = JSON.parse(contents[0]?.text ?? '') as { etag: string };
      lines.push({ event, uri, etag });
    } catch (error) {
      lines.push({ event: 'refused', uri, code: (error as { code: number }).code });
    }
  };
  const readAll = async (): Promise<void> => {
    for (const uri of uris) await read(uri, 'read');
  };
  await readAll();
  lines.push({ event: 'listening', uris: await client.subscribe(uris) });
  let stopped = false;
  const following = (async () => {
    for (let next = 0; !stopped; ) {
      const told = client.told[next];
      if (told === undefined) {
        await sleep(20);
        continue;
      }
      next += 1;
      await read(told.uri, 'told');
    }
  })();
  return {
    lines,
    seen: (event, count = 1) => seenIn(lines, event, count, () => stopped),
    again: () => void readAll(),
    async stop() {
      stopped = true;
      await following;
      await client.close();
    },
  };
}
