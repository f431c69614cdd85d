import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import MiniSearch from 'minisearch';
import { copyOf, directoryBundles, memberBundles } from '../tools/members.ts';
import {
  type BenchServer,
  percentile,
  progress,
  type Row,
  report,
  startServer,
} from './harness.ts';

const PANEL = 500;
const ROUNDS = 20;
const QUERIES = [
  'last hemoglobin a1c',
  'blood pressure',
  'active medications',
  'cholesterol',
  'flu shot',
  'when was the last encounter',
  'asthma',
  'body weight trend',
  'creatinine',
  'allergies',
];

interface Loaded {
  readonly resources: number;
  readonly importSeconds: number;
  readonly members: readonly string[];
}

/**
 * Search over HTTP: one member, and a panel of 500 among all, beside MiniSearch in this process
 * over the same facts. Loading is measured on the way: import to applied, rebuild, size on disk.
 */
export async function benchSearch(count: number): Promise<void> {
  const dataDir = join(homedir(), '.cache/digital-twin-mcp', `bench-${count}`);
  const loaded = await load(dataDir, count);
  await Promise.all(
    ['view.db', 'view.db-wal', 'view.db-shm'].map((f) => rm(join(dataDir, f), { force: true })),
  );
  const server = await startServer(dataDir);
  try {
    const disk = await Promise.all(['log.db', 'view.db'].map((f) => stat(join(dataDir, f))));
    const [logMiB, viewMiB] = disk.map(({ size }) => size / 2 ** 20 / count);
    const rows: Row[] = [
      row('import, log and view, resources', loaded.resources / loaded.importSeconds, '/s'),
      row('rebuild of the view, resources', loaded.resources / (server.readyMs / 1000), '/s'),
      row('log on disk, a member', logMiB ?? 0, 'MiB'),
      row('view on disk, a member', viewMiB ?? 0, 'MiB'),
      ...(await measure(server, loaded.members)),
    ];
    report(
      'search',
      { members: count, panel: Math.min(PANEL, count), queries: QUERIES.length, rounds: ROUNDS },
      rows,
    );
  } finally {
    await server.stop();
  }
}

const row = (what: string, value: number, unit: string, bar?: string): Row => ({
  what,
  value,
  unit,
  ...(bar !== undefined && { bar }),
});

async function measure(server: BenchServer, members: readonly string[]): Promise<Row[]> {
  const one = members[0] ?? '';
  const panel = members.slice(0, PANEL);
  await relate(server, [
    `member:${one}#self@user:single`,
    'practitioner:bench#self@user:panel',
    ...panel.map((member) => `member:${member}#practitioner@practitioner:bench`),
  ]);
  const own = await timed(server, await server.token('single'));
  const wide = await timed(server, await server.token('panel'));
  const floor = await generatorCost(server);
  const mini = await miniSearch(server, one);
  return [
    row('load generator: one exchange, p50', percentile(floor, 50), 'ms'),
    row('search, one member, p50', percentile(own, 50), 'ms'),
    row('search, one member, p99', percentile(own, 99), 'ms', 'under 20'),
    row(`search, panel of ${panel.length}, p50`, percentile(wide, 50), 'ms'),
    row(`search, panel of ${panel.length}, p99`, percentile(wide, 99), 'ms', 'under 100'),
    row('MiniSearch in process, one member, no checks, p50', percentile(mini, 50), 'ms'),
    row('MiniSearch in process, one member, no checks, p99', percentile(mini, 99), 'ms'),
  ];
}

async function timed(server: BenchServer, token: string): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS + 1; round += 1) {
    for (const query of QUERIES) {
      const began = performance.now();
      await server.get(token, `/v1/search?q=${encodeURIComponent(query)}`);
      if (round > 0) times.push(performance.now() - began);
    }
  }
  return times;
}

async function generatorCost(server: BenchServer): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < 200; i += 1) {
    const began = performance.now();
    await server.get('', '/healthz');
    times.push(performance.now() - began);
  }
  return times;
}

/** The same member's records, flattened, in the named peer. */
async function miniSearch(server: BenchServer, member: string): Promise<number[]> {
  const bundle = memberBundles()
    .map((shared) => copyOf(shared, 0))
    .find((copy) => copy.member === member);
  const { entry } = JSON.parse(bundle?.bundle ?? '{"entry":[]}') as {
    entry: { resource: object }[];
  };
  const index = new MiniSearch({ fields: ['text'] });
  index.addAll(entry.map(({ resource }, id) => ({ id, text: stringsOf(resource).join(' ') })));
  await server.get('', '/healthz');
  return Array.from({ length: ROUNDS }, () => QUERIES)
    .flat()
    .map((query) => {
      const began = performance.now();
      index.search(query, { prefix: true });
      return performance.now() - began;
    });
}

function stringsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsOf) : [];
}

async function relate(server: BenchServer, relationships: readonly string[]): Promise<void> {
  const token = await server.token('operator', 'relations:write');
  for (let at = 0; at < relationships.length; at += PANEL) {
    const changes = relationships
      .slice(at, at + PANEL)
      .map((relationship) => ({ operation: 'touch', relationship }));
    await server.post(token, '/v1/relations', JSON.stringify({ changes }));
  }
}

/** Loads the members once and keeps them; how long it took is kept beside them. */
async function load(dataDir: string, count: number): Promise<Loaded> {
  const note = join(dataDir, 'loaded.json');
  const known = await readFile(note, 'utf8').catch(() => undefined);
  if (known !== undefined) return JSON.parse(known) as Loaded;
  await mkdir(dataDir, { recursive: true });
  const server = await startServer(dataDir);
  const token = await server.token('operator', 'sources:write');
  const post = (text: string) => server.post(token, '/v1/sources?source=bench', text);
  for (const { text } of directoryBundles()) await post(text);
  const shared = memberBundles();
  const members: string[] = [];
  let resources = 0;
  let seconds = 0;
  for (let at = 0; at < count; at += 1) {
    const { member, bundle } = copyOf(
      shared[at % shared.length] as (typeof shared)[0],
      Math.floor(at / shared.length),
    );
    const began = performance.now();
    const receipt = (await post(bundle)) as { accepted: number };
    seconds += (performance.now() - began) / 1000;
    resources += receipt.accepted;
    members.push(member);
    progress(
      `loading ${at + 1} of ${count} members, ${Math.round(resources / seconds)} resources/s`,
    );
  }
  progress('');
  await server.stop();
  const loaded: Loaded = { resources, importSeconds: seconds, members };
  await writeFile(note, JSON.stringify(loaded));
  return loaded;
}
