/** Login of a page: authorization code with PKCE; the token is kept by whoever calls, in memory. */

/** What must outlive the way to the issuer and back, in this tab alone: no token is among it. */
const KEY = 'digital-twin-login';

/** What the server says of itself in the page. */
export function loginOf(main) {
  const { issuer, client, scope, redirect, resource } = main.dataset;
  return { issuer, client, scope, redirect, resource };
}

/**
 * Leaves the page for the issuer's. `acr` and `maxAge` ask for a login of that kind, no older than so
 * many seconds (RFC 9470 §4).
 */
export async function begin(login, { anew = false, acr = '', maxAge } = {}) {
  const { authorization_endpoint: endpoint } = await metadataOf(login.issuer);
  const verifier = random();
  const state = random();
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
  sessionStorage.setItem(KEY, JSON.stringify({ verifier, state }));
  const url = new URL(endpoint);
  const params = {
    response_type: 'code',
    client_id: login.client,
    redirect_uri: login.redirect,
    scope: login.scope,
    resource: login.resource,
    state,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: 'S256',
    ...(anew && { prompt: 'login' }),
    ...(acr !== '' && { acr_values: acr }),
    ...(maxAge !== undefined && { max_age: String(maxAge) }),
  };
  for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value);
  location.assign(url.href);
}

/** @returns the token, or nothing where this is no answer of the issuer @throws Error in words */
export async function finish(login) {
  const answer = new URLSearchParams(location.search);
  const begun = JSON.parse(sessionStorage.getItem(KEY) ?? 'null');
  sessionStorage.removeItem(KEY);
  if (!answer.has('state')) return undefined;
  // So that neither the history nor a reload has the code.
  history.replaceState(null, '', location.pathname);
  if (begun === null || answer.get('state') !== begun.state) {
    throw new Error('This answer is of another login. Log in again.');
  }
  const metadata = await metadataOf(login.issuer);
  const named = answer.get('iss');
  const mustName = metadata.authorization_response_iss_parameter_supported === true;
  if (named === null ? mustName : named !== login.issuer) {
    throw new Error('This answer is not of the issuer that was asked. Log in again.');
  }
  const code = answer.get('code');
  if (code === null) {
    throw new Error(
      answer.get('error') === 'access_denied'
        ? 'You did not allow it, so nothing is shown.'
        : 'The login did not work. Log in again.',
    );
  }
  const form = {
    grant_type: 'authorization_code',
    code,
    client_id: login.client,
    redirect_uri: login.redirect,
    resource: login.resource,
    code_verifier: begun.verifier,
  };
  const body = new URLSearchParams(form);
  const response = await fetch(metadata.token_endpoint, { method: 'POST', body });
  const { access_token: token } = response.ok ? await response.json() : {};
  if (typeof token !== 'string') throw new Error('The login did not work. Log in again.');
  return token;
}

/** Ends the token (RFC 7009), where the issuer takes that. */
export async function end(login, token) {
  const { revocation_endpoint: endpoint } = await metadataOf(login.issuer);
  if (endpoint === undefined) return;
  await fetch(endpoint, {
    method: 'POST',
    body: new URLSearchParams({ token, client_id: login.client }),
  });
}

/** RFC 8414, or where an issuer has it only there, OpenID Connect Discovery. */
async function metadataOf(issuer) {
  const { origin, pathname } = new URL(issuer);
  const path = pathname === '/' ? '' : pathname;
  const places = [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
  ];
  for (const place of places) {
    const response = await fetch(place).catch(() => undefined);
    const found = response?.ok ? await response.json().catch(() => undefined) : undefined;
    if (found?.issuer === issuer) return found;
  }
  throw new Error('Where to log in cannot be found out now. Try again in a minute.');
}

function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function base64url(bytes) {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}
