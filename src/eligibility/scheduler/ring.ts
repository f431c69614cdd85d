/** One share of a ring: a class, a tenant or a payer. */
export interface Share<Node> {
  readonly key: string;
  readonly node: Node;
  readonly weight: number;
  /** Slot-time that it may still take; negative where it took more than its turn gave. */
  deficitMs: number;
}

/** What the ring asks of a share. */
export interface Turn<Node> {
  /** Something of it may start now. */
  ready(node: Node): boolean;
  /** Nothing of it waits. */
  idle(node: Node): boolean;
}

/**
 * Weighted deficit round robin (Shreedhar and Varghese, ToN 4(3), 1996), charged in slot-time that
 * is known only afterwards: a share is served while its deficit is above zero, and what it took is
 * taken from the deficit, which may so become negative (surplus round robin). The deficit stays in
 * [-`debtMsMax`, one round + what settling gives back], which bounds how far two shares come apart.
 */
export class Ring<Node> {
  readonly #quantumMs: number;
  readonly #debtMsMax: number;
  readonly #shares: Share<Node>[] = [];
  readonly #byKey = new Map<string, Share<Node>>();
  #cursor = 0;

  constructor(quantumMs: number, debtMsMax: number) {
    this.#quantumMs = quantumMs;
    this.#debtMsMax = debtMsMax;
  }

  get size(): number {
    return this.#shares.length;
  }

  get(key: string): Share<Node> | undefined {
    return this.#byKey.get(key);
  }

  nodes(): Node[] {
    return this.#shares.map(({ node }) => node);
  }

  shares(): readonly Share<Node>[] {
    return this.#shares;
  }

  /** At the end of the round that goes on: whoever comes waits for a turn of everybody else. */
  add(key: string, node: Node, weight: number): Share<Node> {
    const share = { key, node, weight, deficitMs: 0 };
    this.#byKey.set(key, share);
    this.#shares.splice(this.#cursor, 0, share);
    if (this.#shares.length > 1) this.#cursor += 1;
    return share;
  }

  remove(key: string): void {
    const at = this.#shares.findIndex((share) => share.key === key);
    if (at < 0) return;
    this.#byKey.delete(key);
    this.#shares.splice(at, 1);
    if (at < this.#cursor) this.#cursor -= 1;
    if (this.#cursor >= this.#shares.length) this.#cursor = 0;
  }

  /** Whose turn it is, of those that are ready. */
  pick(turn: Turn<Node>): Share<Node> | undefined {
    const ready = new Set(this.#shares.filter(({ node }) => turn.ready(node)));
    if (ready.size === 0) return undefined;
    const found = this.#go(ready, turn);
    if (found !== undefined) return found;
    // All owe: as many rounds at once as the first of them needs.
    const owed = [...ready].map((one) => Math.floor(-one.deficitMs / this.#gain(one)));
    this.#credit(Math.max(0, Math.min(...owed)), ready, turn);
    return this.#go(ready, turn) ?? this.#go(ready, turn);
  }

  /** Positive where slot-time was taken, negative where less was taken than was charged. */
  charge(share: Share<Node>, ms: number): void {
    const most = this.#debtMsMax + this.#gain(share);
    share.deficitMs = Math.min(most, Math.max(-this.#debtMsMax, share.deficitMs - ms));
  }

  /**
   * Its turn comes next, where it owes nothing: for who waits again after nothing of theirs did, and
   * so has not used up its share. Among shares that always wait it changes nothing.
   */
  favour(share: Share<Node>): void {
    if (share.deficitMs < 0) return;
    this.#cursor = this.#shares.indexOf(share);
    share.deficitMs = Math.max(share.deficitMs, this.#gain(share));
  }

  /** An emptied share loses what it has not used, never what it owes. */
  empty(share: Share<Node>): void {
    share.deficitMs = Math.min(0, share.deficitMs);
  }

  /** At most once round. */
  #go(ready: ReadonlySet<Share<Node>>, turn: Turn<Node>): Share<Node> | undefined {
    for (let step = 0; step <= this.#shares.length; step++) {
      const here = this.#shares[this.#cursor];
      if (here === undefined) return undefined;
      if (ready.has(here) && here.deficitMs > 0) return here;
      this.#cursor = (this.#cursor + 1) % this.#shares.length;
      const next = this.#shares[this.#cursor];
      if (next !== undefined) this.#visit(next, 1, ready, turn);
    }
    return undefined;
  }

  #credit(rounds: number, ready: ReadonlySet<Share<Node>>, turn: Turn<Node>): void {
    if (rounds === 0) return;
    for (const share of this.#shares) this.#visit(share, rounds, ready, turn);
  }

  /** Who is held up by a cap gains nothing by it; who is idle works off what it owes. */
  #visit(
    share: Share<Node>,
    rounds: number,
    ready: ReadonlySet<Share<Node>>,
    turn: Turn<Node>,
  ): void {
    const gained = share.deficitMs + rounds * this.#gain(share);
    if (ready.has(share)) share.deficitMs = gained;
    else if (turn.idle(share.node)) share.deficitMs = Math.min(0, gained);
  }

  #gain({ weight }: Share<Node>): number {
    return weight * this.#quantumMs;
  }
}
