import assert from 'node:assert/strict';
import type { TestServer } from './server.ts';

/** Gives a test server an inspector on a port of its own, for `heldHeap`. */
export const WITH_INSPECTOR = { NODE_OPTIONS: '--inspect=127.0.0.1:0' };

/** Bytes of heap that a server's main thread holds on to: what is left after a collection. */
export async function heldHeap(server: TestServer): Promise<number> {
  const [, address] = /^Debugger listening on (ws:\S+)$/m.exec(server.output()) ?? [];
  assert.ok(address, 'the server was started WITH_INSPECTOR');
  const socket = new WebSocket(address);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  const call = (method: string) =>
    new Promise<Readonly<Record<string, unknown>>>((resolve, reject) => {
      socket.onmessage = ({ data }) => {
        resolve((JSON.parse(String(data)) as { result: Record<string, unknown> }).result);
      };
      socket.onclose = reject;
      socket.send(JSON.stringify({ id: 1, method }));
    });
  try {
    // What waits for finalization goes with the second one.
    for (let turn = 0; turn < 2; turn += 1) await call('HeapProfiler.collectGarbage');
    return Number((await call('Runtime.getHeapUsage')).usedSize);
  } finally {
    socket.close();
  }
}
