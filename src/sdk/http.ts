import { errorOfResponse, TwinError } from './twin-error.ts';

/** An access token, or where a fresh one comes from: asked before each request. */
export type TokenSource = string | (() => Promise<string>);

export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

/**
 * A fetch that carries the token and throws `TwinError` for whatever is no answer. A token source
 * that has another token after a 401 is asked once more. 400 and 405 pass: MCP negotiates by them.
 * Redirects are refused: a token goes to the address that was named, and nowhere else.
 */
export function createFetch(token: TokenSource, base: Fetch): Fetch {
  const current = (): Promise<string> =>
    typeof token === 'string' ? Promise.resolve(token) : token();
  const send = async (url: string | URL, init: RequestInit | undefined, bearer: string) => {
    const headers = new Headers(init?.headers);
    headers.set('authorization', `Bearer ${bearer}`);
    try {
      return await base(url, { ...init, headers, redirect: 'error' });
    } catch (error) {
      if (init?.signal?.aborted === true) throw error;
      throw new TwinError('UNREACHABLE', { cause: error });
    }
  };
  return async (url, init) => {
    const bearer = await current();
    let response = await send(url, init, bearer);
    if (response.status === 401) {
      const fresh = await current();
      if (fresh !== bearer) {
        await response.body?.cancel();
        response = await send(url, init, fresh);
      }
    }
    if (response.ok || response.status === 400 || response.status === 405) return response;
    throw await errorOfResponse(response);
  };
}

/** Plain HTTP with JSON out, relative to the server's origin. */
export class PlainHttp {
  readonly #origin: string;
  readonly #fetch: Fetch;

  constructor(origin: string, fetch: Fetch) {
    this.#origin = origin;
    this.#fetch = fetch;
  }

  /** @param query members that are `undefined` are left out */
  async get<T>(
    path: string,
    query: Readonly<Record<string, string | undefined>> = {},
    signal?: AbortSignal,
  ): Promise<T> {
    return await this.#json<T>(path, query, signal === undefined ? {} : { signal });
  }

  async post<T>(
    path: string,
    query: Readonly<Record<string, string | undefined>>,
    body: string | Uint8Array<ArrayBuffer>,
    headers: Readonly<Record<string, string>>,
  ): Promise<T> {
    return await this.#json<T>(path, query, { method: 'POST', body, headers });
  }

  async put<T>(
    path: string,
    query: Readonly<Record<string, string | undefined>>,
    body: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<T> {
    return await this.#json<T>(path, query, { method: 'PUT', body, headers });
  }

  async delete<T>(path: string, query: Readonly<Record<string, string | undefined>>): Promise<T> {
    return await this.#json<T>(path, query, { method: 'DELETE' });
  }

  /** The lines of an answer, as they come; each without its end. */
  async *lines(
    path: string,
    query: Readonly<Record<string, string | undefined>>,
  ): AsyncGenerator<string> {
    const response = await this.#fetch(this.#urlOf(path, query));
    if (!response.ok) throw await errorOfResponse(response);
    let rest = '';
    try {
      for await (const text of (response.body ?? new ReadableStream()).pipeThrough(
        new TextDecoderStream(),
      )) {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        yield* lines;
      }
    } catch (error) {
      throw new TwinError('UNREACHABLE', { message: 'The answer broke off.', cause: error });
    }
    if (rest !== '') throw new TwinError('UNREACHABLE', { message: 'The answer broke off.' });
  }

  async #json<T>(
    path: string,
    query: Readonly<Record<string, string | undefined>>,
    init: RequestInit,
  ): Promise<T> {
    const response = await this.#fetch(this.#urlOf(path, query), init);
    if (!response.ok) throw await errorOfResponse(response);
    try {
      return (await response.json()) as T;
    } catch (error) {
      throw new TwinError('UNREACHABLE', { message: 'The answer is not JSON.', cause: error });
    }
  }
  #urlOf(path: string, query: Readonly<Record<string, string | undefined>>): URL {
    const url = new URL(path, this.#origin);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    return url;
  }
}
