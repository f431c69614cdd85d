import { type ChildProcess, spawn } from 'node:child_process';
import { until } from './pusher.ts';
import { LAUNCHER } from './server.ts';

/** `digital-twin front` before an instance that need not be there; resolves once it listens. */
export async function startFront(
  port: number,
  to: number,
  ...more: readonly string[]
): Promise<ChildProcess> {
  const where = ['--listen', `127.0.0.1:${port}`, '--to', `127.0.0.1:${to}`];
  const front = spawn(process.execPath, [LAUNCHER, 'front', ...where, ...more], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [front.stdout, front.stderr]) {
    stream.on('data', (chunk) => {
      said += String(chunk);
    });
  }
  await until(() => said.includes('listens on'), 'the front listens');
  return front;
}
