import { isObject } from '../../kernel/json.ts';
import { LIMITS } from '../../kernel/limits.ts';

/** Why a registry did not help, each with what an operator can do. */
const MENDS = {
  unreachable: 'start the registry, or mend SCHEMA_REGISTRY_URL',
  unauthorized: 'give SCHEMA_REGISTRY_URL a user that may read and register',
  incompatible: 'register our schemas in subjects of their own (KAFKA_TOPIC_PREFIX)',
  refused: 'see what the registry logs of it',
} as const;

export type RegistryFaultKind = keyof typeof MENDS;

/** Tells nothing of the registry's text, nor of the URL with its secret. */
export class RegistryFault extends Error {
  readonly kind: RegistryFaultKind;
  readonly mend: string;

  constructor(kind: RegistryFaultKind, what: string, cause?: unknown) {
    super(`the schema registry ${what}`, { cause });
    this.name = 'RegistryFault';
    this.kind = kind;
    this.mend = MENDS[kind];
  }
}

/** `undefined`: the registry does not have it (404). @throws RegistryFault */
export interface RegistryClient {
  get(path: string): Promise<Record<string, unknown> | undefined>;
  post(path: string, body: unknown): Promise<Record<string, unknown> | undefined>;
}

const TYPE = 'application/vnd.schemaregistry.v1+json';

/** @param url basic authentication from its user info (RFC 7617); `https:` verifies the server */
export function registryClient(url: string, timeoutMs: number): RegistryClient {
  const { origin, pathname, username, password } = new URL(url);
  const base = origin + pathname.replace(/\/$/, '');
  const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const headers = {
    accept: `${TYPE}, application/json`,
    'content-type': TYPE,
    ...(username !== '' && { authorization: `Basic ${Buffer.from(user).toString('base64')}` }),
  };
  const ask = async (path: string, body?: string) => {
    const response = await fetch(base + path, {
      ...(body !== undefined && { method: 'POST', body }),
      headers,
      // A redirect would carry the secret to somebody who was never named.
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    }).catch((cause: unknown) => {
      throw new RegistryFault('unreachable', 'does not answer', cause);
    });
    return await answerIn(response);
  };
  return { get: (path) => ask(path), post: (path, body) => ask(path, JSON.stringify(body)) };
}

async function answerIn(response: Response): Promise<Record<string, unknown> | undefined> {
  const { status } = response;
  if (status === 404 || status >= 400) await response.body?.cancel();
  if (status === 404) return undefined;
  if (status === 401 || status === 403) throw new RegistryFault('unauthorized', 'refuses us');
  if (status === 409) throw new RegistryFault('incompatible', 'has another schema in our place');
  if (status >= 500) throw new RegistryFault('unreachable', `answers ${status}`);
  if (status >= 400) throw new RegistryFault('refused', `answers ${status}`);
  const body = await bounded(response);
  if (isObject(body)) return body;
  throw new RegistryFault('refused', 'answers what no registry answers');
}

async function bounded(response: Response): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of response.body ?? []) {
      length += chunk.length;
      if (length > LIMITS.registryAnswerBytesMax) break;
      chunks.push(chunk);
    }
    if (length <= LIMITS.registryAnswerBytesMax) return JSON.parse(String(Buffer.concat(chunks)));
  } catch (cause) {
    throw new RegistryFault('unreachable', 'stops in the middle of an answer', cause);
  }
  throw new RegistryFault('refused', 'answers more than any schema is long');
}
