import { readdirSync, readFileSync } from 'node:fs';

/** Resident, KB; Linux. */
export function residentKb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(?<kb>\d+)/.exec(status)?.groups?.kb);
}

export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Least squares: how much `y` grows with one `x`. */
export function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const top = points.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0);
  return top / points.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
}

/** KB of heap that the main thread of a process holds on to: after a collection, by its inspector. */
export async function heldHeapKb(inspectorPort: number): Promise<number> {
  const list = await fetch(`http://127.0.0.1:${inspectorPort}/json`);
  const [target] = (await list.json()) as { readonly webSocketDebuggerUrl: string }[];
  const socket = new WebSocket(target?.webSocketDebuggerUrl ?? '');
  const call = (method: string) =>
    new Promise<{ readonly usedSize?: number }>((resolve, reject) => {
      socket.onmessage = ({ data }) => {
        resolve((JSON.parse(String(data)) as { result: { usedSize?: number } }).result);
      };
      socket.onclose = reject;
      socket.send(JSON.stringify({ id: 1, method }));
    });
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  try {
    // What waits for finalization goes with the second one.
    for (let turn = 0; turn < 2; turn += 1) await call('HeapProfiler.collectGarbage');
    return ((await call('Runtime.getHeapUsage')).usedSize ?? Number.NaN) / 1_024;
  } finally {
    socket.close();
  }
}
