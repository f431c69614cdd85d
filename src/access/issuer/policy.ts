import { errors, interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider';
import { ACR, isStrong } from './words.ts';

const { Check, base } = interactionPolicy;

/** OpenID Connect's names, which the library takes with the scope `openid` alone (requests.ts). */
export const STEP_UP = { acr: 'step_up_acr', maxAge: 'step_up_max_age' } as const;

export type AuthorizationParams = Readonly<Record<string, unknown>>;

/** Whether this request is for those alone who log in with a code. */
export function needsCode(params: AuthorizationParams): boolean {
  const wanted = wordsOf(params[STEP_UP.acr]);
  if (wanted.includes(ACR.code) && !wanted.includes(ACR.demo)) return true;
  const scopes = wordsOf(params.scope);
  return scopes.length > 0 && scopes.every(isStrong);
}

/** When a person is asked: what the library has for it, and step-up by RFC 9470. */
export function stepUpPolicy(): interactionPolicy.DefaultPolicy {
  const policy = base();
  const login = policy.get('login');
  if (login === undefined) throw new Error('the library has no login prompt');
  login.checks.add(
    new Check('step_up_acr', 'a stronger login is needed', 'login_required', (ctx) => {
      requireKnownAcr(ctx);
      const { session, params } = ctx.oidc;
      return (
        session?.accountId !== undefined && session.acr !== ACR.code && needsCode(params ?? {})
      );
    }),
  );
  login.checks.add(
    new Check('step_up_max_age', 'the login is too old', 'login_required', (ctx) => {
      const { session, params, result } = ctx.oidc;
      const maxAge = params?.[STEP_UP.maxAge];
      if (maxAge === undefined || session?.accountId === undefined) return false;
      return session.past(Number(maxAge)) && result?.login === undefined;
    }),
  );
  return policy;
}

/** RFC 9470 §4: a login that nobody can make here is an error, not a weaker one. */
function requireKnownAcr(ctx: KoaContextWithOIDC): void {
  const wanted = wordsOf(ctx.oidc.params?.[STEP_UP.acr]);
  const known: readonly string[] = Object.values(ACR);
  if (wanted.length === 0 || wanted.some((acr) => known.includes(acr))) return;
  throw new errors.CustomOIDCProviderError(
    'unmet_authentication_requirements',
    'none of the requested acr_values is known',
  );
}

export function wordsOf(value: unknown): string[] {
  return typeof value === 'string' ? value.split(' ').filter((word) => word !== '') : [];
}
