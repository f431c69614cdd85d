import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JWK } from 'jose';

/** A key of an issuer, and what it publishes of it. */
export interface IssuerKey {
  readonly kid: string;
  readonly jwk: JWK;
  sign(header: object, claims: unknown): string;
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** @param alg of the header and, but for `undefined`, of the JWK */
export function issuerKey(kid: string, kind: 'RS256' | 'ES256' = 'RS256', alg?: null): IssuerKey {
  const { privateKey, publicKey } =
    kind === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig' } as JWK;
  return {
    kid,
    jwk: alg === null ? jwk : { ...jwk, alg: kind },
    sign(header, claims) {
      const input = `${part({ alg: kind, kid, ...header })}.${part(claims)}`;
      return `${input}.${signed(privateKey, input).toString('base64url')}`;
    },
  };
}

function signed(key: KeyObject, input: string): Buffer {
  const isEc = key.asymmetricKeyType === 'ec';
  return sign('sha256', Buffer.from(input), isEc ? { key, dsaEncoding: 'ieee-p1363' } : key);
}

type Handler = (req: IncomingMessage, res: ServerResponse) => void;

/** An issuer over HTTP on loopback, whose answers a test changes while it runs. */
export interface IssuerServer {
  /** Without a slash at its end. */
  readonly origin: string;
  /** By path, or by path and query. */
  readonly routes: Map<string, Handler>;
  /** Paths in the order in which they were asked for. */
  readonly asked: string[];
  json(path: string, body: unknown, status?: number): void;
  /** Ends what is open, and answers nobody; the address stays the same for `open`. */
  close(): Promise<void>;
  open(): Promise<void>;
}

export async function startIssuer(): Promise<IssuerServer> {
  const routes = new Map<string, Handler>();
  const asked: string[] = [];
  const server = createServer((req, res) => {
    const path = req.url ?? '';
    asked.push(path);
    const handler = routes.get(path);
    if (handler === undefined) res.writeHead(404).end();
    else handler(req, res);
  });
  const listen = async (port: number): Promise<number> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const port = await listen(0);
  return {
    origin: `http://127.0.0.1:${port}`,
    routes,
    asked,
    json(path, body, status = 200) {
      routes.set(path, (_req, res) => {
        res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      });
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
    async open() {
      await listen(port);
    },
  };
}

/** Metadata and keys at the place of RFC 8414. */
export function publish(server: IssuerServer, issuer: string, keys: readonly IssuerKey[]): void {
  const { pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  const metadata = { issuer, jwks_uri: `${server.origin}/jwks` };
  server.json(`/.well-known/oauth-authorization-server${path}`, {
    ...metadata,
    code_challenge_methods_supported: ['S256'],
  });
  server.json('/jwks', { keys: keys.map(({ jwk }) => jwk) });
}
