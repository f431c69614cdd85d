import type { Principal } from '../../twin/ports.ts';
import type { Rights } from '../ports.ts';

/**
 * Questions under way at a time. After a restart everybody subscribes at once: asked all at once,
 * SpiceDB would answer most of them too late, late is no, and all would come again. Together they are
 * one bulk check, which takes a tenth of a second where many people ask.
 */
const AT_ONCE = 128;

/** May it be subscribed to: asked a few at a time, in the order of coming, and in the audit. */
export class Grants {
  readonly #rights: Pick<Rights, 'readable' | 'asked'>;
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;

  constructor(rights: Pick<Rights, 'readable' | 'asked'>) {
    this.#rights = rights;
  }

  /**
   * The URIs that may be read.
   * @param isOpen asked when its turn comes: for who has gone meanwhile, nobody is asked
   * @throws Fault ACCESS_UNAVAILABLE
   */
  async readable(
    principal: Principal,
    uris: readonly string[],
    isOpen: () => boolean,
  ): Promise<ReadonlySet<string>> {
    await this.#turn();
    try {
      if (!isOpen()) return new Set();
      const answers = await this.#rights.readable(principal, uris);
      const granted = uris.map((uri, index) => ({ uri, granted: answers[index] === true }));
      await this.#rights.asked(principal, granted);
      return new Set(granted.filter((one) => one.granted).map(({ uri }) => uri));
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#underWay -= 1;
      else next();
    }
  }

  /** Whoever is done hands its place on. */
  #turn(): Promise<void> | undefined {
    if (this.#underWay >= AT_ONCE) {
      return new Promise<void>((resolve) => void this.#waiting.push(resolve));
    }
    this.#underWay += 1;
    return undefined;
  }
}
