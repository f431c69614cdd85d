import { createFetch, errorOfResponse, TwinError } from '../sdk/index.ts';

export interface TokenRequest {
  readonly as: string;
  readonly actor?: string;
  readonly scope?: string;
  readonly ttlSeconds?: number;
  readonly tenant?: string;
  /** As after a login with a code, just now. */
  readonly stepUp?: boolean;
}

export interface IssuedToken {
  readonly access_token: string;
  readonly token_type: string;
  readonly expires_in: number;
  readonly scope: string;
}

export interface KeyHolder {
  readonly url: string;
  readonly key: string;
}

/** A token from the server's development issuer. @throws TwinError */
export async function issueToken(
  { url, key }: KeyHolder,
  request: TokenRequest,
): Promise<IssuedToken> {
  const send = createFetch(key, globalThis.fetch);
  const response = await send(new URL('/oauth/dev/token', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  if (!response.ok) throw await errorOfResponse(response);
  const token = (await response.json()) as IssuedToken;
  if (typeof token.access_token !== 'string') throw new TwinError('INTERNAL');
  return token;
}

export interface MadeLoginCode {
  readonly code: string;
  readonly expires_in: number;
  readonly as: string;
}

/** A code for one login at the server's own authorization server. @throws TwinError */
export async function makeLoginCode(
  { url, key }: KeyHolder,
  request: { readonly as: string; readonly tenant?: string },
): Promise<MadeLoginCode> {
  const send = createFetch(key, globalThis.fetch);
  const response = await send(new URL('/oauth/dev/login-code', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  if (!response.ok) throw await errorOfResponse(response);
  return (await response.json()) as MadeLoginCode;
}

/** A token is renewed when this share of its life is over: 50 minutes of an hour. */
const RENEW_AFTER = 5 / 6;

/** Tokens that are always young: a fresh one for whatever is asked after most of its life. */
export function renewingToken(
  issue: () => Promise<IssuedToken>,
  now: () => number = () => performance.now(),
): () => Promise<string> {
  let current: { readonly token: string; readonly renewAtMs: number } | undefined;
  let pending: Promise<string> | undefined;
  const renew = async (): Promise<string> => {
    const { access_token, expires_in } = await issue();
    current = { token: access_token, renewAtMs: now() + expires_in * 1000 * RENEW_AFTER };
    return access_token;
  };
  return () => {
    if (current !== undefined && now() < current.renewAtMs) return Promise.resolve(current.token);
    pending ??= renew().finally(() => {
      pending = undefined;
    });
    return pending;
  };
}
