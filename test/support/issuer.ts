import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { request as secureRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JWK } from 'jose';

const PROGRAM = new URL('./issuer-process.ts', import.meta.url).pathname;

export interface IssuerOptions {
  /** Files in PEM; without them it speaks plain HTTP. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
}

/** A company's issuer in a process of its own, on loopback. */
export interface TestIssuer {
  readonly issuer: string;
  /** For the server under test. */
  readonly env: Readonly<Record<string, string>>;
  /** Signed by the newest key; a claim that is null is left out. */
  token(claims: Readonly<Record<string, unknown>>): Promise<string>;
  /** Publishes one more key, which signs from now on. */
  rotate(): Promise<void>;
  /** Takes all keys back but the one that signs. */
  retire(): Promise<void>;
  /** The keys with their private parts, as its own file has them; the last one signs. */
  keys(): Promise<(JWK & { kid: string })[]>;
  /** It takes connections and answers nothing. */
  pause(): void;
  resume(): void;
  kill(): Promise<void>;
  /** Again at the same address, with the same keys. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startTestIssuer({ tls }: IssuerOptions = {}): Promise<TestIssuer> {
  const directory = await mkdtemp(join(tmpdir(), 'twin-issuer-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'keys.json');
  const run = async (port: string): Promise<[ChildProcess, string]> => {
    const args = [PROGRAM, file, port, ...(tls === undefined ? [] : [tls.cert, tls.key])];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    process.once('exit', () => child.kill('SIGKILL'));
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    return [child, line.toString().trim()];
  };
  let [child, issuer] = await run('0');
  const end = async (): Promise<void> => {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  const ca = tls === undefined ? undefined : await readFile(tls.ca);
  const post = (path: string, body: unknown = {}) => posted(`${issuer}${path}`, body, ca);
  return {
    issuer,
    env: { OAUTH_ISSUER: issuer, ...(tls && { NODE_EXTRA_CA_CERTS: tls.ca }) },
    token: async (claims) => String((await post('/token', claims)).access_token),
    rotate: async () => void (await post('/rotate')),
    retire: async () => void (await post('/retire')),
    async keys() {
      return (JSON.parse(await readFile(file, 'utf8')) as { keys: (JWK & { kid: string })[] }).keys;
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    kill: end,
    async restart() {
      [child, issuer] = await run(new URL(issuer).port);
    },
    stop: end,
  };
}

async function posted(
  url: string,
  body: unknown,
  ca: Buffer | undefined,
): Promise<Record<string, unknown>> {
  const options = { method: 'POST', agent: false, ...(ca && { ca }) };
  const { promise, resolve, reject } = Promise.withResolvers<Record<string, unknown>>();
  const req = (ca === undefined ? request : secureRequest)(url, options, (res) => {
    let text = '';
    res.on('data', (chunk) => (text += String(chunk)));
    res.on('end', () => resolve(JSON.parse(text) as Record<string, unknown>));
  });
  req.on('error', reject);
  req.end(JSON.stringify(body));
  return await promise;
}
