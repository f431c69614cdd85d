import { allowing, type Person, person, pkce, type Shown } from './person.ts';

/** The endpoints of the embedded authorization server, as a client by hand uses them. */
export interface OAuth {
  readonly url: string;
  post(path: string, form: Readonly<Record<string, string>>, secret?: string): Promise<Answer>;
  register(metadata: Readonly<Record<string, unknown>>): Promise<Answer>;
  /** Address of an authorization request, with the verifier of its challenge. */
  request(params: Readonly<Record<string, string>>): { url: string; verifier: string };
  /** Code to tokens. */
  redeem(shown: Shown, verifier: string, client: Client): Promise<Answer>;
}

export interface Client {
  readonly client_id: string;
  readonly redirect_uri: string;
  readonly secret?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

export function oauth(url: string): OAuth {
  const post: OAuth['post'] = async (path, form, secret) => {
    const basic = `${form.client_id}:${secret}`;
    const headers: Record<string, string> =
      secret === undefined
        ? {}
        : { authorization: `Basic ${Buffer.from(basic).toString('base64')}` };
    const body = new URLSearchParams(form);
    return await answerOf(await fetch(url + path, { method: 'POST', headers, body }));
  };
  return {
    url,
    post,
    async register(metadata) {
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify(metadata);
      return await answerOf(
        await fetch(`${url}/oauth/register`, { method: 'POST', headers, body }),
      );
    },
    request(params) {
      const { verifier, challenge } = pkce();
      const query = new URLSearchParams({
        response_type: 'code',
        code_challenge: challenge,
        code_challenge_method: 'S256',
        resource: `${url}/mcp`,
        state: 'here',
        ...params,
      });
      return { url: `${url}/oauth/authorize?${query}`, verifier };
    },
    async redeem(shown, verifier, { client_id, redirect_uri, secret }) {
      const code = new URL(shown.url).searchParams.get('code') ?? '';
      const form = { grant_type: 'authorization_code', code, code_verifier: verifier };
      return await post('/oauth/token', { ...form, client_id, redirect_uri }, secret);
    },
  };
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  return { status: response.status, headers: response.headers, body };
}

export interface LoggedIn {
  readonly who: Person;
  readonly consent: Shown;
  readonly done: Shown;
  readonly tokens: Answer;
}

/** The whole way of one person: login, consent, code, tokens. */
export async function logIn(
  to: OAuth,
  client: Client,
  params: Readonly<Record<string, string>>,
  login: readonly [string, string],
  ...trust: string[]
): Promise<LoggedIn> {
  const who = person(to.url);
  const { client_id, redirect_uri } = client;
  const { url, verifier } = to.request({ client_id, redirect_uri, ...params });
  const page = await who.visit(url);
  const consent = await who.submit(page, '/login', [login]);
  // Where the person allowed it before, the login leads on to the client.
  const isPage = consent.html !== '';
  const done = isPage
    ? await who.submit(consent, '/consent', allowing(consent, ...trust))
    : consent;
  return { who, consent, done, tokens: await to.redeem(done, verifier, client) };
}

/** Claims of a token, whoever made it. */
export function claimsOf(token: unknown): Record<string, unknown> {
  const [, payload = ''] = String(token).split('.');
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
}
