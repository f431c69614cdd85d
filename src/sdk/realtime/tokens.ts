import type { TokenSource } from '../http.ts';
import { faultOf } from '../twin-error.ts';

/**
 * One question to the source at a time: a refresh and a reconnection that meet get the same token,
 * and an answer that comes late never takes the place of a newer one.
 */
export class Tokens {
  readonly #source: TokenSource;
  #asking: Promise<string> | undefined;

  constructor(source: TokenSource) {
    this.#source = source;
  }

  /** @throws TwinError */
  current(): Promise<string> {
    const source = this.#source;
    if (typeof source === 'string') return Promise.resolve(source);
    this.#asking ??= asked(source).finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }
}

async function asked(source: () => Promise<string>): Promise<string> {
  try {
    return await source();
  } catch (error) {
    throw faultOf(error);
  }
}
