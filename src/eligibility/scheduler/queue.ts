import type { Ticket } from './types.ts';

/** Taken from the front; the front is given up in pieces, so that taking costs the same at any size. */
const SLACK = 1_024;

/** Tickets of one payer, tenant and class, the longest waiting first. */
export class TicketQueue {
  #tickets: Ticket[] = [];
  #first = 0;

  get size(): number {
    return this.#tickets.length - this.#first;
  }

  get head(): Ticket | undefined {
    return this.#tickets[this.#first];
  }

  /** Nearly always at the end; a retry or a promoted one goes where its age belongs. */
  add(ticket: Ticket): void {
    let at = this.#tickets.length;
    while (at > this.#first && (this.#tickets[at - 1]?.since ?? 0) > ticket.since) at -= 1;
    this.#tickets.splice(at, 0, ticket);
  }

  shift(): Ticket | undefined {
    const ticket = this.head;
    if (ticket === undefined) return undefined;
    this.#first += 1;
    if (this.#first >= SLACK) this.#trim();
    return ticket;
  }

  remove(id: string): Ticket | undefined {
    const at = this.#tickets.findIndex((one, index) => index >= this.#first && one.id === id);
    return at < 0 ? undefined : this.#tickets.splice(at, 1)[0];
  }

  /** Takes out what is of no use any more. */
  expire(now: number): Ticket[] {
    const waiting = this.#tickets.slice(this.#first);
    const expired = waiting.filter(({ until }) => until <= now);
    if (expired.length === 0) return expired;
    this.#tickets = waiting.filter(({ until }) => until > now);
    this.#first = 0;
    return expired;
  }

  #trim(): void {
    this.#tickets = this.#tickets.slice(this.#first);
    this.#first = 0;
  }
}
