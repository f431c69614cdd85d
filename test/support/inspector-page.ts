import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { freePort } from '../../tools/parts/ports.ts';

const INSPECTOR = new URL('../../node_modules/.bin/mcp-inspector', import.meta.url).pathname;

/**
 * Starts the backend of Inspector's web page; its address, with the key that it made up.
 * @param token without one Inspector has to ask for authorization
 */
export async function startInspectorPage(
  url: string,
  token?: string,
): Promise<{ address: string; stop: () => Promise<void> }> {
  const target = ['--server-url', `${url}/mcp`, '--transport', 'http', '--protocol-era', 'modern'];
  const header = token === undefined ? [] : ['--header', `Authorization: Bearer ${token}`];
  const env = {
    ...process.env,
    MCP_AUTO_OPEN_ENABLED: 'false',
    MCP_INSPECTOR_SECRET_STORE: 'memory',
    CLIENT_PORT: String(await freePort()),
    MCP_SANDBOX_PORT: String(await freePort()),
  };
  const args = [INSPECTOR, '--web', ...target, ...header];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill();
    await exited;
  };
  for await (const line of createInterface(child.stdout)) {
    const address = /http:\/\/127\.0\.0\.1:\d+\?MCP_INSPECTOR_API_TOKEN=\w+/.exec(line)?.[0];
    if (address === undefined) continue;
    child.stdout.resume();
    return { address, stop };
  }
  throw new Error('Inspector did not start');
}
