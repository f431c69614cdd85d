import { TicketQueue } from './queue.ts';
import { Ring, type Share, type Turn } from './ring.ts';
import { type CheckClass, CLASSES, type SchedulerSettings, type Ticket } from './types.ts';

interface PayerNode {
  readonly payer: string;
  readonly queue: TicketQueue;
  inFlight: number;
}

interface TenantNode {
  readonly payers: Ring<PayerNode>;
  waiting: number;
  inFlight: number;
}

interface ClassNode {
  readonly class: CheckClass;
  readonly tenants: Ring<TenantNode>;
  waiting: number;
}

/** Which of what waits may start now. */
export interface Allowed {
  class(one: CheckClass): boolean;
  payer(payer: string): boolean;
}

/** What waits: class, then tenant, then payer, each level its own ring of shares. */
export class Tree {
  readonly #settings: SchedulerSettings;
  readonly #debtMsMax: number;
  readonly #classes: Ring<ClassNode>;

  constructor(settings: SchedulerSettings) {
    this.#settings = settings;
    this.#debtMsMax = settings.slots * settings.holdMsMax;
    this.#classes = new Ring(settings.quantumMs, this.#debtMsMax);
    for (const one of CLASSES) {
      const tenants = new Ring<TenantNode>(settings.quantumMs, this.#debtMsMax);
      this.#classes.add(one, { class: one, tenants, waiting: 0 }, settings.weights[one]);
    }
  }

  waiting(one: CheckClass): number {
    return this.#class(one).node.waiting;
  }

  waitingOf(one: CheckClass, tenant: string): number {
    return this.#class(one).node.tenants.get(tenant)?.node.waiting ?? 0;
  }

  add(ticket: Ticket): void {
    const one = this.#class(ticket.class);
    const { node } = one;
    // A person who comes when none waits is next.
    if (ticket.class === 'live' && node.waiting === 0) this.#classes.favour(one);
    const tenant = this.#tenant(node, ticket.tenant);
    this.#payer(tenant.node, ticket.payer).node.queue.add(ticket);
    tenant.node.waiting += 1;
    node.waiting += 1;
  }

  /** The next by turn; it waits no longer, and is charged this much. */
  take(allowed: Allowed, costMs: (payer: string) => number): Ticket | undefined {
    const one = this.#classes.pick(classTurn(allowed));
    const tenant = one?.node.tenants.pick(tenantTurn(allowed));
    const payer = tenant?.node.payers.pick(payerTurn(allowed));
    if (one === undefined || tenant === undefined || payer === undefined) return undefined;
    const ticket = payer.node.queue.shift();
    if (ticket !== undefined) this.#begun(ticket, costMs(ticket.payer));
    return ticket;
  }

  /** The longest waiting of those that have waited since before their class's instant. */
  takeOldest(
    allowed: Allowed,
    before: Readonly<Record<CheckClass, number>>,
    costMs: (payer: string) => number,
  ): Ticket | undefined {
    let oldest: { readonly ticket: Ticket; readonly queue: TicketQueue } | undefined;
    for (const { queue } of this.#queues((one) => allowed.class(one), allowed.payer)) {
      const ticket = queue.head;
      if (ticket === undefined || ticket.since > before[ticket.class]) continue;
      if (oldest === undefined || ticket.since < oldest.ticket.since) oldest = { ticket, queue };
    }
    if (oldest === undefined) return undefined;
    oldest.queue.shift();
    this.#begun(oldest.ticket, costMs(oldest.ticket.payer));
    return oldest.ticket;
  }

  /** Ended after `heldMs`, where `chargedMs` were charged: each level is charged the difference. */
  settle(ticket: Ticket, chargedMs: number, heldMs: number): void {
    const one = this.#class(ticket.class);
    const tenant = one.node.tenants.get(ticket.tenant);
    const payer = tenant?.node.payers.get(ticket.payer);
    if (tenant === undefined || payer === undefined) return;
    const ms = heldMs - chargedMs;
    one.node.tenants.charge(tenant, ms);
    tenant.node.payers.charge(payer, ms);
    this.#classes.charge(one, ms);
    tenant.node.inFlight -= 1;
    payer.node.inFlight -= 1;
    this.#emptied(one, tenant, payer);
  }

  /** Takes one out that waits. */
  remove({ id, class: one, tenant, payer }: Ticket): boolean {
    const shares = this.#find(one, tenant, payer);
    if (shares?.payer.node.queue.remove(id) === undefined) return false;
    this.#gone(shares, 1);
    return true;
  }

  /** Takes out whatever waited past its time; lets go of shares that owe nothing any more. */
  expire(now: number): Ticket[] {
    const expired: Ticket[] = [];
    for (const one of this.#classes.shares()) {
      for (const tenant of one.node.tenants.shares().slice()) {
        for (const payer of tenant.node.payers.shares().slice()) {
          const gone = payer.node.queue.expire(now);
          expired.push(...gone);
          this.#gone({ one, tenant, payer }, gone.length);
        }
      }
    }
    return expired;
  }

  /** Whether something waits that may start. */
  hasReady(allowed: Allowed): boolean {
    const turn = classTurn(allowed);
    return this.#classes.nodes().some((node) => turn.ready(node));
  }

  *#queues(
    wanted: (one: CheckClass) => boolean,
    payer: (payer: string) => boolean,
  ): Generator<PayerNode> {
    for (const node of this.#classes.nodes()) {
      if (!wanted(node.class) || node.waiting === 0) continue;
      for (const tenant of node.tenants.nodes()) {
        for (const one of tenant.payers.nodes()) if (payer(one.payer)) yield one;
      }
    }
  }

  #begun({ class: one, tenant, payer }: Ticket, chargedMs: number): void {
    const shares = this.#find(one, tenant, payer);
    if (shares === undefined) return;
    this.#classes.charge(shares.one, chargedMs);
    shares.one.node.tenants.charge(shares.tenant, chargedMs);
    shares.tenant.node.payers.charge(shares.payer, chargedMs);
    shares.tenant.node.inFlight += 1;
    shares.payer.node.inFlight += 1;
    this.#gone(shares, 1);
  }

  #gone({ one, tenant, payer }: Shares, count: number): void {
    one.node.waiting -= count;
    tenant.node.waiting -= count;
    this.#emptied(one, tenant, payer);
  }

  /** Shares of what is empty lose what they have not used, and go once they owe nothing. */
  #emptied(one: Share<ClassNode>, tenant: Share<TenantNode>, payer: Share<PayerNode>): void {
    const { payers } = tenant.node;
    if (payer.node.queue.size === 0) {
      payers.empty(payer);
      const owes = payer.deficitMs < 0 && tenant.node.waiting > 0;
      if (payer.node.inFlight === 0 && !owes) payers.remove(payer.key);
    }
    if (tenant.node.waiting === 0) {
      one.node.tenants.empty(tenant);
      const owes = tenant.deficitMs < 0 && one.node.waiting > 0;
      if (tenant.node.inFlight === 0 && !owes) one.node.tenants.remove(tenant.key);
    }
    if (one.node.waiting === 0) this.#classes.empty(one);
  }

  #class(one: CheckClass): Share<ClassNode> {
    const share = this.#classes.get(one);
    if (share === undefined) throw new RangeError('no such class');
    return share;
  }

  #tenant({ tenants }: ClassNode, key: string): Share<TenantNode> {
    const payers = new Ring<PayerNode>(this.#settings.quantumMs, this.#debtMsMax);
    const weight = Math.max(1, this.#settings.tenantWeight(key));
    return tenants.get(key) ?? tenants.add(key, { payers, waiting: 0, inFlight: 0 }, weight);
  }

  #payer({ payers }: TenantNode, payer: string): Share<PayerNode> {
    const fresh = { payer, queue: new TicketQueue(), inFlight: 0 };
    return payers.get(payer) ?? payers.add(payer, fresh, 1);
  }

  #find(key: CheckClass, tenantKey: string, payerKey: string): Shares | undefined {
    const one = this.#class(key);
    const tenant = one.node.tenants.get(tenantKey);
    const payer = tenant?.node.payers.get(payerKey);
    return tenant === undefined || payer === undefined ? undefined : { one, tenant, payer };
  }
}

interface Shares {
  readonly one: Share<ClassNode>;
  readonly tenant: Share<TenantNode>;
  readonly payer: Share<PayerNode>;
}

function payerTurn({ payer }: Allowed): Turn<PayerNode> {
  return {
    ready: (node) => node.queue.size > 0 && payer(node.payer),
    idle: (node) => node.queue.size === 0,
  };
}

function tenantTurn(allowed: Allowed): Turn<TenantNode> {
  const turn = payerTurn(allowed);
  return {
    ready: (node) => node.waiting > 0 && node.payers.nodes().some((one) => turn.ready(one)),
    idle: (node) => node.waiting === 0,
  };
}

function classTurn(allowed: Allowed): Turn<ClassNode> {
  const turn = tenantTurn(allowed);
  return {
    ready: (node) =>
      node.waiting > 0 &&
      allowed.class(node.class) &&
      node.tenants.nodes().some((one) => turn.ready(one)),
    idle: (node) => node.waiting === 0,
  };
}
