/**
 * An authorization server of a company's, as far as a resource server meets it: metadata, keys, and
 * access tokens for whoever may ask for any. Runs as a process of its own, so that a test can stop,
 * kill and restart it; its keys stay in a file.
 *
 *     node issuer-process.ts FILE PORT [CERT KEY]
 */

import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { importJWK, type JWK, SignJWT } from 'jose';

type NamedKey = JWK & { readonly kid: string };

interface State {
  /** The last one signs. */
  readonly keys: readonly NamedKey[];
}

const [file = '', port = '0', cert, key] = process.argv.slice(2);
const isSecure = cert !== undefined && key !== undefined;
let state: State = existsSync(file)
  ? (JSON.parse(readFileSync(file, 'utf8')) as State)
  : { keys: [newKey('key-1')] };

function newKey(kid: string): NamedKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...(privateKey.export({ format: 'jwk' }) as JWK), kid, alg: 'ES256', use: 'sig' };
}

function keep(next: State): void {
  state = next;
  writeFileSync(file, JSON.stringify(state));
}

async function bodyOf(req: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString() || '{}') as Record<string, unknown>;
}

/** @param claims over the usual ones; `undefined` in JSON is null, and leaves the claim out */
async function tokenFor(claims: Record<string, unknown>): Promise<string> {
  const signing = state.keys.at(-1) as NamedKey;
  const iat = Math.floor(Date.now() / 1000);
  const usual = { iss: issuer(), iat, exp: iat + 600, jti: crypto.randomUUID(), client_id: 'app' };
  const all = Object.entries({ ...usual, ...claims }).filter(([, value]) => value !== null);
  return await new SignJWT(Object.fromEntries(all))
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: signing.kid })
    .sign(await importJWK(signing, 'ES256'));
}

function issuer(): string {
  const { port: own } = server.address() as AddressInfo;
  return `${isSecure ? 'https' : 'http'}://localhost:${own}/realms/acme`;
}

const ROUTES: Readonly<Record<string, (req: IncomingMessage) => unknown>> = {
  'GET /.well-known/oauth-authorization-server/realms/acme': () => ({
    issuer: issuer(),
    jwks_uri: `${issuer()}/jwks`,
    authorization_endpoint: `${issuer()}/authorize`,
    token_endpoint: `${issuer()}/token`,
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
  }),
  'GET /realms/acme/jwks': () => ({ keys: state.keys.map(({ d: _, ...open }) => open) }),
  'POST /realms/acme/token': async (req) => ({ access_token: await tokenFor(await bodyOf(req)) }),
  'POST /realms/acme/rotate': () => keep({ keys: [...state.keys, newKey(crypto.randomUUID())] }),
  'POST /realms/acme/retire': () => keep({ keys: state.keys.slice(-1) }),
};

async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const route = ROUTES[`${req.method} ${req.url}`];
  if (route === undefined) return void res.writeHead(404).end();
  const answer = JSON.stringify((await route(req)) ?? {});
  res.writeHead(200, { 'content-type': 'application/json' }).end(answer);
}

const onRequest = (req: IncomingMessage, res: ServerResponse): void => {
  serve(req, res).catch(() => res.destroy());
};
const server = isSecure
  ? createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) }, onRequest)
  : createServer(onRequest);
server.listen(Number(port), 'localhost', () => {
  keep(state);
  process.stdout.write(`${issuer()}\n`);
});
