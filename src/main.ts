/** The command `digital-twin`: real parts, signals, exit code. Only this file ends the process. */

import { readFileSync } from 'node:fs';
import { type CliIo, runCli } from './cli/index.ts';
import { loadConfig } from './config/config.ts';
import { configInput } from './config/environment.ts';
import { systemClock } from './kernel/clock.ts';
import { refuseFaults } from './operations/start-faults.ts';

const manifest = new URL('../package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };

/** How long a stop may take before the process ends anyway. */
const STOP_DEADLINE_MS = 15_000;

/** A supervisor that signals a whole group reaches us twice, by itself and through the launcher. */
const SAME_SIGNAL_MS = 500;

const interrupted = new AbortController();

const io: CliIo = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  input: configInput,
  launcher: [process.execPath, ...process.execArgv, process.argv[1] ?? ''],
  version,
  serve,
  mendSchema: async (...args) => await (await offline()).mendSchema(...args),
  startFaults: async (config) => {
    const { startFaultsOf, logFaultsOf } = await offline();
    return [...(await startFaultsOf(config, systemClock)), ...logFaultsOf(config)];
  },
  mendTopics: async (...args) => await (await offline()).mendTopics(...args),
  replayLog: async (...args) => await (await offline()).replayLog(...args),
  restoreBackup: async (...args) => await (await offline()).restoreBackupOf(...args),
  signal: interrupted.signal,
};

process.stdout.on('error', endOnBrokenPipe);
let interruptedAtMs = 0;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (!interrupted.signal.aborted) interruptedAtMs = performance.now();
    else if (performance.now() - interruptedAtMs > SAME_SIGNAL_MS) process.exit(1);
    interrupted.abort();
  });
}
// Unheard, this signal makes Node open its debugger, which shows all that the process holds.
process.on('SIGUSR1', () => undefined);
process.exitCode = await runCli(process.argv.slice(2), io);
process.exit();

/** Server and parts are a second's worth of modules, which most commands never need. */
function offline() {
  return import('./wiring/offline.ts');
}

/** Runs a server until a signal, or until nobody has been there for long enough. */
async function serve(args: Parameters<CliIo['serve']>[0]): Promise<number> {
  const config = loadConfig(configInput(args));
  const { startFaultsOf } = await offline();
  for (const { part, what, mend } of refuseFaults(await startFaultsOf(config, systemClock))) {
    process.stderr.write(`${part} ${what}: ${mend}\n`);
  }
  const { promise: idle, resolve: onIdle } = Promise.withResolvers<void>();
  const { promise: fatal, resolve: onFatal } = Promise.withResolvers<void>();
  const { createApp } = await import('./app.ts');
  const server = await createApp(config, {
    clock: systemClock,
    version,
    launcher: io.launcher,
    onIdle,
    onFatal,
  });
  const onUncaught = (error: unknown): void => {
    server.report(error);
    onFatal();
  };
  process.on('unhandledRejection', onUncaught).on('uncaughtException', onUncaught);
  await server.start();
  process.stdout.write(server.greeting());
  const signalled = new Promise<void>((resolve) => {
    interrupted.signal.addEventListener('abort', () => resolve(), { once: true });
    if (interrupted.signal.aborted) resolve();
  });
  const failed = await Promise.race([signalled, idle, fatal.then(() => true)]);
  setTimeout(() => process.exit(1), STOP_DEADLINE_MS).unref();
  await server.stop();
  if (failed !== true) return 0;
  process.stderr.write(
    'The server stopped, since a part of it ended by itself; its log says which. ' +
      'Start it again: whatever was acknowledged is kept.\n',
  );
  return 1;
}

/** `digital-twin … | head` closes our output: the reader has had enough. */
function endOnBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
}
