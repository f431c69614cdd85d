import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { DEFAULT_SCOPES, SCOPES } from '../../contract/scopes.ts';
import { ID_PATTERN, SECTIONS } from '../../contract/uris.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { PURPOSES } from '../tokens/purposes.ts';
import { isLoopbackUri, isRedirectUri } from './client-metadata.ts';
import { visibleText } from './visible-text.ts';
import { TOKEN_EXCHANGE } from './words.ts';

/** Who runs the server vouches for it: a secret, a fixed name, and whether it is an agent. */
export interface RegisteredClient {
  readonly id: string;
  readonly name: string;
  /** SHA-256 of its secret, hexadecimal. */
  readonly secretHash: string;
  /** Whether it acts for people as `agent:{id}`; else it is a person's own tool. */
  readonly agent: boolean;
  readonly redirectUris: readonly string[];
  readonly tenant: string;
  readonly scopes: readonly string[];
  /** The one agent that may exchange its people's tokens (RFC 8693 §4.4). */
  readonly mayAct?: string;
  readonly purpose?: string;
}

export interface RegisteredClients {
  get(id: string): RegisteredClient | undefined;
  /** Secret of the demo's agent: made anew at each start, kept nowhere. */
  readonly demo: { readonly id: string; readonly secret: string } | undefined;
}

const FILE = 'oauth-clients.json';
const CLIENT_ID = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const FILE_BYTES_MAX = 1024 * 1024;

const AGENT_SCOPES: readonly string[] = [
  ...DEFAULT_SCOPES,
  ...SECTIONS.map((section) => `twin:read:${section}`),
  'eligibility:check',
  'sessions:write',
];

const row = z.strictObject({
  client_id: z.string().regex(CLIENT_ID, 'must be lower-case letters, digits, . _ -'),
  name: z.string().min(1).max(200),
  secret_sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits'),
  agent: z.boolean().default(false),
  redirect_uris: z
    .array(z.string().refine(isRedirectUri, 'must be https, or http on loopback'))
    .max(LIMITS.issuer.redirectUrisMax)
    .default([]),
  tenant: z.string().regex(ID_PATTERN).default('demo'),
  scopes: z.array(z.enum(SCOPES)).max(SCOPES.length).optional(),
  may_act: z.string().regex(CLIENT_ID).optional(),
  purpose_of_use: z
    .string()
    .refine((code) => PURPOSES.has(code), 'must be a v3-PurposeOfUse code')
    .optional(),
});
const file = z.strictObject({ clients: z.array(row).max(1_000) });

/**
 * The clients of `DATA_DIR/oauth-clients.json`, read again when the file changes. A file that is wrong
 * lets nobody in, and says so.
 */
export function openRegisteredClients(
  dataDir: string,
  demo: boolean,
  report: (error: unknown) => void,
): RegisteredClients {
  const path = join(dataDir, FILE);
  const secret = randomBytes(24).toString('base64url');
  let seen = '';
  let known = new Map<string, RegisteredClient>();
  const refresh = (): void => {
    const now = stampOf(path);
    if (now === seen) return;
    seen = now;
    known = new Map();
    if (demo) known.set(DEMO.id, { ...DEMO, secretHash: hashOf(secret) });
    if (now === '') return;
    try {
      for (const client of read(path)) known.set(client.id, client);
    } catch (error) {
      known = new Map();
      report(error);
    }
  };
  // At the start a stamp of nothing is new as well.
  seen = 'unread';
  refresh();
  const isDemo = demo && known.get(DEMO.id)?.secretHash === hashOf(secret);
  return {
    get(id) {
      refresh();
      return known.get(id);
    },
    demo: isDemo ? { id: DEMO.id, secret } : undefined,
  };
}

const DEMO = {
  id: 'assistant',
  name: 'Demo Assistant',
  agent: true,
  redirectUris: ['http://127.0.0.1/callback', 'http://localhost/callback'],
  tenant: 'demo',
  scopes: AGENT_SCOPES,
} as const;

function stampOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? '' : `${stat.mtimeMs}/${stat.size}/${stat.ino}`;
}

function read(path: string): RegisteredClient[] {
  if ((statSync(path).mode & 0o077) !== 0 && process.platform !== 'win32') {
    throw new Error(`${path} can be read by others: chmod 600 it; no client of it is let in`);
  }
  const text = readFileSync(path, 'utf8');
  if (text.length > FILE_BYTES_MAX) throw new Error(`${path} is too large`);
  const parsed = file.safeParse(jsonOf(path, text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Error(
      `${path}: ${issue?.path.join('.')} ${issue?.message}; no client of it is let in`,
    );
  }
  return parsed.data.clients.map((client) => ({
    id: client.client_id,
    name: visibleText(client.name, LIMITS.issuer.clientNameCharsMax),
    secretHash: client.secret_sha256,
    agent: client.agent,
    redirectUris: client.redirect_uris,
    tenant: client.tenant,
    scopes: client.scopes ?? AGENT_SCOPES,
    ...(client.may_act !== undefined && { mayAct: client.may_act }),
    ...(client.purpose_of_use !== undefined && { purpose: client.purpose_of_use }),
  }));
}

function jsonOf(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${path} is no JSON; no client of it is let in`);
  }
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Whether a secret is the client's, in the same time whatever it is. */
export function isSecretOf(hash: string, secret: string): boolean {
  return timingSafeEqual(Buffer.from(hash), Buffer.from(hashOf(secret)));
}

/** As the library takes it. */
export function metadataOf(client: RegisteredClient): Record<string, unknown> {
  const people = client.redirectUris.length > 0;
  return {
    client_id: client.id,
    client_name: client.name,
    client_secret: client.secretHash,
    token_endpoint_auth_method: 'client_secret_basic',
    redirect_uris: [...client.redirectUris],
    application_type: client.redirectUris.some(isLoopbackUri) ? 'native' : 'web',
    response_types: people ? ['code'] : [],
    grant_types: [
      ...(people ? ['authorization_code', 'refresh_token'] : []),
      ...(client.agent ? ['client_credentials', TOKEN_EXCHANGE] : []),
    ],
  };
}
