#!/usr/bin/env node
// Plain JavaScript for any Node from 20 on: it finds a Node that can run the product. An older
// Node hands over to the one of the `node` package, with the same arguments, streams and signals.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as modules from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const NODE_MAJOR = 24;
const launcher = fileURLToPath(import.meta.url);

if (Number.parseInt(process.versions.node, 10) >= NODE_MAJOR) {
  keepCompiled();
  await import(mainUrl());
} else handOver();

/**
 * What Node compiles is kept for the next start, which then takes two thirds of the time. In the
 * user's own folder: Node's default, the machine's temporary one, may belong to others.
 */
function keepCompiled() {
  const caches = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const folder = join(caches, 'digital-twin-mcp', 'compiled');
  modules.enableCompileCache?.(folder);
  // Worker threads ask the environment.
  process.env.NODE_COMPILE_CACHE ??= folder;
}

/** The sources in a checkout; what was compiled from them in the package, which has no `src`. */
function mainUrl() {
  const root = dirname(dirname(launcher));
  const source = join(root, 'src', 'main.ts');
  return pathToFileURL(existsSync(source) ? source : join(root, 'dist', 'main.js')).href;
}

function handOver() {
  const node = packagedNode();
  if (node === undefined) {
    process.stderr.write(
      `digital-twin needs Node ${NODE_MAJOR} or newer; this is ${process.version}, and the Node of\n` +
        'its own was not installed, because npm was told to run no install scripts.\n' +
        `Install Node ${NODE_MAJOR}, or run: npm rebuild node\n`,
    );
    process.exitCode = 1;
    return;
  }
  const child = spawn(node, [launcher, ...process.argv.slice(2)], { stdio: 'inherit' });
  const stopForwarding = forwardSignals(child);
  child.on('error', (error) => {
    process.stderr.write(`digital-twin cannot start ${node}: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    stopForwarding();
    if (signal !== null) process.kill(process.pid, signal);
    else process.exitCode = code ?? 1;
  });
}

function packagedNode() {
  const require = modules.createRequire(import.meta.url);
  try {
    const name = process.platform === 'win32' ? 'node.exe' : 'node';
    const node = join(dirname(require.resolve('node/package.json')), 'bin', name);
    return existsSync(node) ? node : undefined;
  } catch {
    return undefined;
  }
}

function forwardSignals(child) {
  const forwards = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => {
    // A terminal sends Ctrl-C to both processes: a second one would mean "at once".
    const forward = () => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    };
    process.on(signal, forward);
    return () => process.off(signal, forward);
  });
  return () => {
    for (const stop of forwards) stop();
  };
}
