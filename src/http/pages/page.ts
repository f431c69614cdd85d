import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { OwnPage } from '../../contract/pages.ts';
import { type Html, html } from '../../kernel/html.ts';
import type { HttpParts } from '../parts.ts';

export interface PageOptions {
  readonly title: string;
  /** Its one script, below `/me/`. */
  readonly script: string;
  readonly of: OwnPage;
}

/**
 * One page with one script of ours, in no frame, with nothing from elsewhere. Where people log in by
 * a company's issuer, the script may speak with that issuer's origin besides: there it gets its token.
 */
export function sendOwnPage(
  res: ServerResponse,
  { authenticator, pagesClientId }: Pick<HttpParts, 'authenticator' | 'pagesClientId'>,
  { title, script, of }: PageOptions,
  body: Html,
): void {
  const login = loginFacts(authenticator.metadata(), of);
  const nonce = randomBytes(16).toString('base64');
  const content = pagesClientId === undefined ? withoutClient(login.redirect) : body;
  const tag =
    pagesClientId === undefined
      ? ''
      : html`<script type="module" nonce="${nonce}" src="/me/${script}"></script>`;
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title><link rel="stylesheet" nonce="${nonce}" href="/me/style.css"></head>
<body><main data-issuer="${login.issuer}" data-client="${pagesClientId ?? ''}"
 data-scope="${login.scope}" data-redirect="${login.redirect}" data-resource="${login.resource}">
<h1>${title}</h1>${content}</main>${tag}</body></html>
`.text;
  res.writeHead(pagesClientId === undefined ? 503 : 200, {
    'content-type': 'text/html; charset=utf-8',
    'content-length': Buffer.byteLength(page),
    'content-security-policy':
      `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; ` +
      `connect-src 'self' ${new URL(login.issuer).origin}; base-uri 'none'; ` +
      "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types",
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cache-control': 'no-store',
  });
  res.end(page);
}

/** What the protected resource says of itself (RFC 9728): the page asks for no more than it may use. */
function loginFacts(metadata: Readonly<Record<string, unknown>>, { path, scopes }: OwnPage) {
  const resource = String(metadata.resource);
  const known = metadata.scopes_supported as readonly string[];
  const prefix = known.find((one) => one.endsWith('twin:read'))?.slice(0, -'twin:read'.length);
  return {
    issuer: String((metadata.authorization_servers as readonly unknown[])[0]),
    scope: scopes.map((scope) => (prefix ?? '') + scope).join(' '),
    redirect: new URL(resource).origin + path,
    resource,
  };
}

function withoutClient(redirect: string): Html {
  return html`<p class="box wrong" role="alert">Nobody can log in to this page yet. Whoever runs this
server registers a public client (code with PKCE, redirect <code>${redirect}</code>) at the issuer of
tokens, and names it by <code>OAUTH_PAGES_CLIENT_ID</code>. Until then
<code>digital-twin agents list</code> says the same.</p>`;
}
