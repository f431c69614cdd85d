/** The command line in a process of its own, whose `serve` is the fake server. For tests. */

import { fileURLToPath } from 'node:url';
import { loadConfig } from '../../config/config.ts';
import { configInput } from '../../config/environment.ts';
import { runCli } from '../index.ts';
import { startFakeTwin } from './fake-twin.ts';

process.exitCode = await runCli(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  input: configInput,
  launcher: [process.execPath, fileURLToPath(import.meta.url)],
  version: '0.0.0',
  mendTopics: async () => ({ outcome: 'done', missing: [], drift: [], refused: [] }),
  startFaults: async () => [],
  mendSchema: async () => ({ outcome: 'done', differences: [] }),
  replayLog: async () => 0,
  restoreBackup: () => Promise.reject(new Error('nothing to restore')),
  async serve(args) {
    const fake = await startFakeTwin(loadConfig(configInput(args)).dataDir);
    fake.mcp.change('mcp://twins/member/demo-ana/coverage');
    await new Promise((resolve) => process.once('SIGTERM', resolve));
    await fake.stop();
    return 0;
  },
});
process.exit();
