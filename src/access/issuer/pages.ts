import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { Html, html } from '../../kernel/html.ts';

const STYLE = `
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;margin:0;background:Canvas;color:CanvasText}
main{max-width:34rem;margin:2rem auto;padding:0 1.25rem 2rem}
h1{font-size:1.35rem;line-height:1.3}
h2{font-size:1.05rem;margin:1.5rem 0 .25rem}
ul{padding-left:1.2rem;margin:.25rem 0}
label{display:block;margin:.3rem 0}
.box{border:1px solid GrayText;border-radius:.5rem;padding:.25rem 1rem;margin:1rem 0}
.box p{margin:.5rem 0}
.name{font-weight:600;overflow-wrap:anywhere}
.small{font-size:.875rem}
.wrong{border-color:#b00020}
button{font:inherit;padding:.5rem 1rem;margin:.25rem .5rem .25rem 0;border-radius:.4rem;border:1px solid GrayText;cursor:pointer}
button.main{background:#0b57d0;border-color:#0b57d0;color:#fff}
input[type=text]{font:inherit;padding:.45rem .6rem;width:14rem;max-width:100%}
code{white-space:nowrap}
`;

export interface PageOptions {
  readonly title: string;
  readonly status?: number;
  /** Origin that a form's answer leads on to: browsers hold redirects to `form-action` as well. */
  readonly leadsTo?: string | undefined;
}

/** One page: no script, nothing from elsewhere, in no frame. */
export function sendPage(
  res: ServerResponse,
  { title, status = 200, leadsTo }: PageOptions,
  body: Html,
): void {
  const nonce = randomBytes(16).toString('base64');
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title><style nonce="${nonce}">${new Html(STYLE)}</style></head>
<body><main>${body}</main></body></html>
`.text;
  res.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-length': Buffer.byteLength(page),
    'content-security-policy':
      `default-src 'none'; style-src 'nonce-${nonce}'; base-uri 'none'; frame-ancestors 'none'; ` +
      `form-action 'self'${leadsTo === undefined ? '' : ` ${leadsTo}`}`,
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    // Not no-referrer: a form would then come with `Origin: null`, which is refused.
    'referrer-policy': 'same-origin',
    'cache-control': 'no-store',
  });
  res.end(page);
}
