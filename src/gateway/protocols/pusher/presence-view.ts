import type { PresenceChange, PresentUser } from '../../ports.ts';
import { said } from './frames.ts';

/**
 * Who is there, as one client has been told. Changes come from all instances and may overtake the
 * answer to a join: what the client knows is what decides whether there is anything to say.
 */
export class PresenceView {
  readonly #channel: string;
  /** Whose client this is: nobody is told of themselves. */
  readonly #own: string;
  readonly #known = new Set<string>();
  /** Changes that came before the client was told who is there. */
  #early: PresenceChange[] | undefined = [];

  constructor(channel: string, own: string) {
    this.#channel = channel;
    this.#own = own;
  }

  /** @returns frames that follow the answer, in order */
  begin(users: readonly PresentUser[]): string[] {
    for (const { id } of users) this.#known.add(id);
    const early = this.#early ?? [];
    this.#early = undefined;
    return early.flatMap((change) => this.changed(change) ?? []);
  }

  changed(change: PresenceChange): string | undefined {
    const { kind, user } = change;
    if (this.#early !== undefined) {
      this.#early.push(change);
      return undefined;
    }
    if (user.id === this.#own) return undefined;
    const isKnown = this.#known.has(user.id);
    if (isKnown === (kind === 'member_added')) return undefined;
    if (kind === 'member_added') {
      this.#known.add(user.id);
      return said.memberAdded(this.#channel, user);
    }
    this.#known.delete(user.id);
    return said.memberRemoved(this.#channel, user.id);
  }
}
