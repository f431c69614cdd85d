import { access, constants, stat } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Config } from '../../config/config.ts';
import { findServer, readServerFile, type ServerFile } from '../../config/server-file.ts';
import type { StartFault } from '../../contract/start-faults.ts';
import { asTwinError, createTwinClient } from '../../sdk/index.ts';
import { configOf, DEFAULT_SUBJECT, noServer } from '../connection.ts';
import { issueToken } from '../development.ts';
import { EXIT } from '../faults.ts';
import { type CliIo, coloured, print, printJson, table } from '../io.ts';
import { type VersionFinding, versionFindings } from '../versions.ts';

interface Finding {
  readonly what: string;
  readonly ok: boolean;
  readonly says: string;
}

const NODE_MAJOR = 24;
const PROBE_TIMEOUT_MS = 5_000;

export function addDoctor(program: Command, io: CliIo, setExit: (code: number) => void): void {
  program
    .command('doctor')
    .description('see whether everything is in place, and what to do where it is not')
    .option('--data-dir <directory>', 'data directory (or DATA_DIR)')
    .option('--json', 'print JSON')
    .action(async (options: { dataDir?: string; json?: boolean }) => {
      const config = configOf(io, options);
      const { dataDir } = config;
      const server = await findServer(dataDir);
      const faults = await io.startFaults(config);
      const running = config.production
        ? await productionFindings(config)
        : [
            await serverFinding(io, dataDir, server),
            ...(server === undefined ? [] : await runningFindings(server, config)),
          ];
      const findings = [
        nodeFinding(),
        ...versionFindings().map(libraryFinding),
        await directoryFinding(dataDir),
        ...faults.map(startFinding),
        ...issuerFindings(config, faults),
        ...running,
      ];
      if (findings.some(({ ok }) => !ok)) setExit(EXIT.fault);
      if (running[0]?.ok === false) setExit(EXIT.unreachable);
      if (options.json === true) return printJson(io, { findings });
      print(io, table(['', 'WHAT', 'SAYS'], findings.map(rowOf)));
      const bad = findings.filter(({ ok }) => !ok).length;
      const verdict = bad === 0 ? ['green', 'all is well'] : ['red', `${bad} to mend`];
      print(io, coloured(io.stdout, bad === 0 ? 'green' : 'red', verdict[1] ?? ''));
    });
}

/** The same as a start says; what only troubles it is said, and is well. */
function startFinding({ part, what, mend, warning }: StartFault): Finding {
  return { what: part, ok: warning === true, says: `${what}: ${mend}` };
}

function rowOf({ ok, what, says }: Finding): string[] {
  return [ok ? 'ok' : 'NO', what, says];
}

function nodeFinding(): Finding {
  const ok = Number.parseInt(process.versions.node, 10) >= NODE_MAJOR;
  const says = ok ? process.version : `${process.version}: install Node ${NODE_MAJOR}`;
  return { what: 'node', ok, says };
}

function libraryFinding({ name, installed, wanted, ok }: VersionFinding): Finding {
  const says = ok ? String(installed) : `${installed ?? 'is absent'}: needs ${wanted}, npm ci`;
  return { what: name, ok, says };
}

/** The issuer itself is among what a start looks at; here, what tokens of it must be for. */
function issuerFindings(config: Config, faults: readonly StartFault[]): Finding[] {
  const { oauth, publicUrl, portNamed, port } = config;
  if (oauth === undefined) return [];
  const isWell = faults.every(({ part, warning }) => part !== 'OAUTH_ISSUER' || warning === true);
  const known = { what: 'issuer', ok: true, says: `${oauth.issuer}, tokens as ${oauth.profile}` };
  const own = publicUrl ?? (portNamed ? `http://localhost:${port}` : undefined);
  const audience = oauth.audience ?? (own === undefined ? undefined : `${own}/mcp`);
  const what = 'audience';
  return [
    ...(isWell ? [known] : []),
    audience === undefined
      ? { what, ok: false, says: 'depends on the port: set PUBLIC_URL to what clients reach' }
      : { what, ok: true, says: `tokens must be for ${audience} alone` },
  ];
}

/** A server in production leaves no file with its address and key: it is asked where it listens. */
async function productionFindings({ host, port }: Config): Promise<Finding[]> {
  const address = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  const url = `http://${address.includes(':') ? `[${address}]` : address}:${port}`;
  return [
    await tried('server', async () => {
      const answer = await fetch(`${url}/healthz`, {
        signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
      });
      const { version } = (await answer.json()) as { version?: string };
      return `${url}, version ${version}`;
    }),
    await readyFinding(url),
  ];
}

function readyFinding(url: string): Promise<Finding> {
  return tried('ready', async () => {
    const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
    const response = await fetch(`${url}/readyz`, { signal });
    if (!response.ok) throw new Error('not ready yet: see its log');
    return 'ready for requests';
  });
}

async function directoryFinding(dataDir: string): Promise<Finding> {
  const what = 'data directory';
  try {
    await access(dataDir, constants.R_OK | constants.W_OK);
    const open = process.platform !== 'win32' && ((await stat(dataDir)).mode & 0o077) !== 0;
    if (!open) return { what, ok: true, says: dataDir };
    return { what, ok: false, says: `others may look into it: chmod 700 ${dataDir}` };
  } catch {
    return { what, ok: false, says: `${dataDir} cannot be read and written: npm start makes it` };
  }
}

async function serverFinding(
  io: CliIo,
  dataDir: string,
  server: ServerFile | undefined,
): Promise<Finding> {
  const what = 'server';
  if (server !== undefined) {
    const { url, pid, version } = server;
    return { what, ok: true, says: `${url}, process ${pid}, version ${version}` };
  }
  const stale = (await readServerFile(dataDir).catch(() => undefined)) !== undefined;
  const says = noServer(io, dataDir);
  return { what, ok: false, says: stale ? `the last one has died; ${says}` : says };
}

async function runningFindings(server: ServerFile, { oauth }: Config): Promise<Finding[]> {
  const ready = await readyFinding(server.url);
  // Where tokens come from a company's issuer, none can be had here.
  if (oauth !== undefined) return [ready];
  return [
    ready,
    await tried('token', async () => {
      const { scope } = await issueToken(server, { as: DEFAULT_SUBJECT });
      return `user:${DEFAULT_SUBJECT} gets ${scope}`;
    }),
    await tried('mcp', async () => {
      const { access_token } = await issueToken(server, { as: DEFAULT_SUBJECT });
      const client = createTwinClient({ url: server.url, token: access_token });
      try {
        await client.list();
        return `${server.url}/mcp answers`;
      } finally {
        await client.close();
      }
    }),
  ];
}

async function tried(what: string, check: () => Promise<string>): Promise<Finding> {
  try {
    return { what, ok: true, says: await check() };
  } catch (error) {
    return { what, ok: false, says: asTwinError(error).message };
  }
}
