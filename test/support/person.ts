import { createHash, randomBytes } from 'node:crypto';

/** A person at a browser, as far as the pages of the authorization server need one. */
export interface Person {
  /** Follows an address to a page, or to the client that it leads to. */
  visit(url: string): Promise<Shown>;
  /** Sends the form of the page whose action ends so, with what the person filled in. */
  submit(
    page: Shown,
    action: string,
    fields: readonly (readonly [string, string])[],
  ): Promise<Shown>;
}

export interface Shown {
  readonly url: string;
  readonly status: number;
  readonly html: string;
  readonly headers: Headers;
}

const HOPS_MAX = 10;

/** @param server origin whose pages are followed; any other ends the way */
export function person(server: string): Person {
  const cookies = new Map<string, { value: string; path: string }>();
  const header = (path: string): string =>
    [...cookies]
      .filter(([, cookie]) => path.startsWith(cookie.path))
      .map(([key, { value }]) => `${key.split('|')[0]}=${value}`)
      .join('; ');
  const keep = (response: Response): void => {
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
      const at = pair.indexOf('=');
      const path = attributes.find((one) => one.startsWith('path='))?.slice(5) ?? '/';
      const key = `${pair.slice(0, at)}|${path}`;
      if (/expires=Thu, 01 Jan 1970/i.test(line)) cookies.delete(key);
      else cookies.set(key, { value: pair.slice(at + 1), path });
    }
  };
  const go = async (url: string, init: RequestInit = {}): Promise<Shown> => {
    let next = url;
    let asked = init;
    for (let hop = 0; hop < HOPS_MAX; hop += 1) {
      const { origin, pathname } = new URL(next);
      if (origin !== server) return { url: next, status: 0, html: '', headers: new Headers() };
      const headers = { ...(asked.headers as object), cookie: header(pathname) };
      const response = await fetch(next, { ...asked, headers, redirect: 'manual' });
      keep(response);
      const location = response.headers.get('location');
      if (location === null) {
        const html = await response.text();
        return { url: next, status: response.status, html, headers: response.headers };
      }
      await response.body?.cancel();
      next = new URL(location, next).href;
      asked = {};
    }
    throw new Error(`more than ${HOPS_MAX} redirects from ${url}`);
  };
  return {
    visit: (url) => go(url),
    async submit(page, action, fields) {
      const forms = [...page.html.matchAll(/<form method="post" action="([^"]+)">(.*?)<\/form>/gs)];
      const form = forms.find(([, to]) => to?.endsWith(action));
      if (form === undefined) throw new Error(`no form ${action} in ${page.html.slice(0, 2_000)}`);
      const csrf = /name="csrf" value="([^"]+)"/.exec(form[2] ?? '')?.[1] ?? '';
      const body = new URLSearchParams([
        ['csrf', csrf],
        ...fields.map(([k, v]): [string, string] => [k, v]),
      ]);
      return await go(new URL(form[1] ?? '', page.url).href, {
        method: 'POST',
        headers: { origin: server, 'sec-fetch-site': 'same-origin' },
        body,
      });
    },
  };
}

/** What is ticked on the page of consent, and the button that was pressed. */
export function allowing(page: Shown, ...trust: string[]): [string, string][] {
  const scopes = [...page.html.matchAll(/name="scope" value="([^"]+)" checked/g)];
  return [
    ...scopes.map(([, scope]): [string, string] => ['scope', scope ?? '']),
    ...trust.map((section): [string, string] => ['trust', section]),
    ['decision', 'allow'],
  ];
}

/** RFC 7636 with S256. */
export function pkce(): { verifier: string; challenge: string } {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}
