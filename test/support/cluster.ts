import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer, type TestServer } from './server.ts';

/** Several servers of one deployment: one Kafka, one set of keys, a data directory each. */
export interface Cluster {
  readonly env: Readonly<Record<string, string>>;
  /** Starts one more, or one again on its own data directory; with settings of its own, if any. */
  start(dataDir?: string, own?: Readonly<Record<string, string>>): Promise<TestServer>;
  /** Ends all that were started and still run. */
  stop(): Promise<void>;
}

export async function cluster(env: Readonly<Record<string, string>>): Promise<Cluster> {
  const folder = await mkdtemp(join(tmpdir(), 'twin-cluster-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const shared = { DEMO: 'off', ...env, KEYS_FILE: join(folder, 'keys.json') };
  const servers = new Set<TestServer>();
  return {
    env: shared,
    async start(dataDir, own = {}) {
      const directory = dataDir ?? (await mkdtemp(join(folder, 'instance-')));
      const server = await startServer({ dataDir: directory, env: { ...shared, ...own } });
      servers.add(server);
      return server;
    },
    async stop() {
      await Promise.all([...servers].map((server) => server.stop()));
    },
  };
}
