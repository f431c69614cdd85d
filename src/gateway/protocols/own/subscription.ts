import type {
  StreamStart,
  SubscribeMessage,
  Unrecovered,
  WsTopic,
} from '../../../contract/frames.ts';
import { randomId } from '../../../kernel/ids.ts';
import type { Principal } from '../../../twin/ports.ts';
import { SECTIONS_OF } from '../../events/mapped.ts';
import type {
  Connection,
  Framed,
  GatewayEvent,
  ReadSince,
  StreamName,
  Subscriber,
  Told,
} from '../../ports.ts';
import { compile, EVERYTHING, type Predicate } from './filters.ts';
import { OWN_LIMITS, type OwnParts } from './parts.ts';

export interface Owner {
  readonly connection: Connection;
  readonly principal: Principal;
  /** Ends the connection so that it comes again. */
  comeAgain(): void;
  /** Nothing of the subscription is left. */
  ended(id: string): void;
}

/** One subscription of our own protocol. */
export class OwnSubscription implements Subscriber {
  readonly id: string;
  readonly topics: ReadonlySet<string>;
  readonly streams = new Set<StreamName>();
  readonly #parts: OwnParts;
  readonly #owner: Owner;
  readonly #wanted: Predicate;
  readonly #withDocument: boolean;

  /** @throws Fault INVALID_ARGUMENT */
  constructor(parts: OwnParts, owner: Owner, message: SubscribeMessage) {
    this.#parts = parts;
    this.#owner = owner;
    this.id = message.id;
    this.topics = new Set<WsTopic>(message.topics);
    this.#wanted = message.filters === undefined ? EVERYTHING : compile(message.filters);
    this.#withDocument = message.include === 'document';
  }

  get connection(): Connection {
    return this.#owner.connection;
  }

  get principal(): Principal {
    return this.#owner.principal;
  }

  wants(event: GatewayEvent): boolean {
    return this.topics.has(event.topic) && this.#wanted(event);
  }

  needs(stream: StreamName): readonly string[] {
    const [kind, id] = stream.split(':');
    if (kind === 'session') return [`mcp://sessions/${id}`];
    const sections = [...this.topics].flatMap((topic) => SECTIONS_OF[topic as WsTopic] ?? []);
    return [...new Set(sections)].map((section) => `mcp://twins/member/${id}/${section}`);
  }

  frame(told: Told): Framed | Promise<Framed> {
    const { event } = told.entry;
    if (!this.#withDocument || event.uri === undefined) return this.#framed(told, {});
    return this.#document(event.uri).then((more) => this.#framed(told, more));
  }

  #framed(told: Told, more: object): Framed {
    const { event } = told.entry;
    const shared = sharedOf(this.#parts, told);
    const own = { subscription: this.id, ...(told.replayed && { replayed: true }), ...more };
    const opening = JSON.stringify(own).slice(0, -1);
    const message = `${opening},${shared}`;
    if (event.topic !== 'twins') return { message, policy: 'resume' };
    // A change of a document names its newest state: what is in between says nothing more.
    const conflate = (count: number) => `${opening},"conflated":${count},${shared}`;
    return { message, policy: 'latest', key: `${this.id} ${event.uri}`, conflate };
  }

  /** Checked and audited as a read, which it is. */
  async #document(uri: string): Promise<object> {
    const caller = { principal: this.principal, correlationId: randomId() };
    try {
      const { document, breakGlass } = await this.#parts.reader.read(caller, uri);
      if (Buffer.byteLength(JSON.stringify(document)) <= OWN_LIMITS.documentBytesMax) {
        return { document, ...(breakGlass !== undefined && { breakGlass }) };
      }
    } catch {
      // Whether it is gone, or cannot be had now, a read of its own says.
    }
    return { documentOmitted: true };
  }

  gap(stream: StreamName, read: Extract<ReadSince, { recovered: false }>): void {
    const { epoch, offset, reason } = read;
    const start = startOf(stream, { epoch, offset }, reason);
    const changes = this.#parts.reader.feedAfter(this.principal);
    this.connection.send(JSON.stringify({ type: 'gap', id: this.id, ...start, changes }));
  }

  /** How a stream begins, for the client. */
  start(stream: StreamName, read: ReadSince, position: string | undefined): StreamStart {
    const { epoch, offset } = read;
    if (read.recovered) return { stream, recovered: true, epoch, offset };
    const changes = this.#parts.reader.feedAfter(this.principal, position);
    const start = startOf(stream, { epoch, offset }, read.reason);
    return { ...start, ...(position !== undefined && { position }), changes };
  }

  revoked(stream: StreamName): void {
    this.streams.delete(stream);
    if (this.streams.size > 0) return;
    this.connection.send(JSON.stringify({ type: 'unsubscribed', id: this.id, reason: 'revoked' }));
    this.#owner.ended(this.id);
  }

  unverifiable(): void {
    this.#owner.comeAgain();
  }
}

function startOf(
  stream: StreamName,
  place: { epoch: string; offset: number },
  reason: Unrecovered,
): StreamStart {
  return { stream, recovered: false, reason, ...place };
}

/** What the frames of one entry have in common, to the end: made once for all who are told. */
const shared = new WeakMap<object, string>();

function sharedOf({ positions }: OwnParts, { stream, epoch, entry }: Told): string {
  const known = shared.get(entry);
  if (known !== undefined) return known;
  const { id, type, topic, uri, place, time, data } = entry.event;
  const position = place && positions.encode({ epoch: place.epoch, places: [place] });
  const frame = { id, type, topic, stream, epoch, offset: entry.offset, uri, position, time, data };
  const made = JSON.stringify(frame).slice(1);
  shared.set(entry, made);
  return made;
}
