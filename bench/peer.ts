import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** A server in a process of its own, to be measured beside ours. */
export interface Peer {
  readonly port: number;
  readonly pid: number;
  readonly child: ChildProcess;
}

/** Starts a script that prints its port first. */
export async function startPeer(script: URL, args: readonly string[]): Promise<Peer> {
  const child = spawn(process.execPath, [script.pathname, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { port: Number(String(line).trim()), pid: child.pid ?? 0, child };
}

/** One MCP request as it goes over the wire, whole. */
export function wireOf(
  url: string,
  {
    headers,
    body,
  }: { readonly headers: readonly (readonly [string, string])[]; readonly body: string },
  token?: string,
): string {
  const all = [
    ['Host', new URL(url).host],
    ...(token === undefined ? [] : [['Authorization', `Bearer ${token}`]]),
    ...headers,
    ['Content-Length', String(Buffer.byteLength(body))],
  ];
  const head = all.map(([name, value]) => `${name}: ${value}`).join('\r\n');
  return `POST /mcp HTTP/1.1\r\n${head}\r\n\r\n${body}`;
}
