import { importJWK, type JWK, SignJWT } from 'jose';
import { z } from 'zod';
import { DEFAULT_SCOPES, SCOPES } from '../../contract/scopes.ts';
import { ID_PATTERN } from '../../contract/uris.ts';
import type { Clock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import { randomId } from '../../kernel/ids.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { ACR } from '../issuer/words.ts';
import { PURPOSES } from './purposes.ts';
import { publicPart } from './trusted-keys.ts';

export interface DevIssuerOptions {
  readonly issuer: string;
  readonly audience: string;
  /** ES256 private key with its `kid`. */
  readonly key: JWK & { readonly kid: string };
  readonly clock: Clock;
}

export type MintedToken = {
  readonly access_token: string;
  readonly token_type: 'Bearer';
  readonly expires_in: number;
  readonly scope: string;
};

/** Mints development tokens for anybody it is asked for: never in production. */
export interface DevIssuer {
  /** Public keys only. */
  jwks(): { keys: JWK[] };
  /**
   * @param request `{ as, actor?, scope?, ttlSeconds?, tenant?, client_id?, purpose?, stepUp? }`:
   *   subject, agent, scopes separated by spaces, seconds, tenant, client, v3-PurposeOfUse code, and
   *   whether the token says that the person has just logged in with a code (RFC 9470): whoever may
   *   ask for tokens may have codes made as well.
   * @throws Fault INVALID_ARGUMENT naming what is wrong.
   */
  mint(request: Readonly<Record<string, unknown>>): Promise<MintedToken>;
}

const KNOWN_SCOPES: ReadonlySet<string> = new Set(SCOPES);
const name = z.string().regex(/^[\x21-\x7e]{1,128}$/, 'must be 1 to 128 printable characters');

const mintRequest = z.strictObject({
  as: name,
  actor: name.optional(),
  scope: z.string().max(1_024).default(DEFAULT_SCOPES.join(' ')).transform(scopesOf),
  ttlSeconds: z.int().min(1).max(LIMITS.tokenLifeMaxSeconds).default(LIMITS.tokenLifeMaxSeconds),
  tenant: z.string().regex(ID_PATTERN, 'must be an id').default('demo'),
  client_id: name.default('digital-twin-cli'),
  purpose: z
    .string()
    .refine((code) => PURPOSES.has(code), 'must be a v3-PurposeOfUse code')
    .optional(),
  stepUp: z.boolean().default(false),
});

export function createDevIssuer({ issuer, audience, key, clock }: DevIssuerOptions): DevIssuer {
  return {
    jwks: () => ({ keys: [publicPart(key)] }),
    async mint(request) {
      const parsed = mintRequest.safeParse(request);
      if (!parsed.success) throw wrong(parsed.error);
      const { as, actor, scope, ttlSeconds, tenant, client_id, purpose, stepUp } = parsed.data;
      const iat = Math.floor(clock.now() / 1000);
      const token = await new SignJWT({
        client_id,
        scope,
        tenant,
        ...(purpose !== undefined && { purpose_of_use: purpose }),
        ...(actor !== undefined && { act: { sub: actor } }),
        ...(stepUp && { acr: ACR.code, auth_time: iat }),
      })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: key.kid })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(as.startsWith('user:') ? as.slice('user:'.length) : as)
        .setIssuedAt(iat)
        .setExpirationTime(iat + ttlSeconds)
        .setJti(randomId())
        .sign(await importJWK(key, 'ES256'));
      return { access_token: token, token_type: 'Bearer', expires_in: ttlSeconds, scope };
    },
  };
}

function scopesOf(text: string, context: z.RefinementCtx): string {
  const scopes = [...new Set(text.split(/\s+/).filter((scope) => scope !== ''))];
  const unknown = scopes.filter((scope) => !KNOWN_SCOPES.has(scope));
  if (unknown.length === 0) return scopes.join(' ');
  context.addIssue({ code: 'custom', message: `must be of ${SCOPES.join(' ')}` });
  return z.NEVER;
}

function wrong(error: z.ZodError): Fault {
  const details = error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join('.')}: ${message}`,
  );
  return new Fault('INVALID_ARGUMENT', { detail: `No token: ${details.join('; ')}.` });
}
