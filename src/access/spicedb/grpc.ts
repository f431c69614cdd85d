import { v1 } from '@authzed/authzed-node';
import type { Clock } from '../../kernel/clock.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { CircuitBreaker } from './breaker.ts';
import * as calls from './calls.ts';
import type { Engine } from './engine.ts';
import { prefixed, prefixedType } from './prefix.ts';
import { schemaWords } from './schema.ts';

/** Where SpiceDB listens, and how to speak to it. */
export interface SpicedbConnection {
  /** `host:port` */
  readonly endpoint: string;
  readonly token: string;
  readonly tls: boolean;
  /** PEM, where its certificate is not by an authority that the system knows. */
  readonly tlsCa?: string;
  /** Of all our object types (`acme` for `acme/member`), where others share the SpiceDB. */
  readonly prefix?: string;
}

/** A peer that is gone without a word is noticed by unanswered pings, not by TCP's many minutes. */
const CHANNEL = {
  'grpc.keepalive_time_ms': 5_000,
  'grpc.keepalive_timeout_ms': 2_000,
  // Its own default goes up to two minutes: so long nobody would be let in once it is back.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
  // Without a policy, which is never looked up, that is what SpiceDB certainly did not begin: it
  // sends clients away when their connection is old. All else whoever asked asks anew, or nobody.
  'grpc.enable_retries': 1,
  'grpc.service_config_disable_resolution': 1,
} as const;
/** Watch has a connection to itself, so that neither holds up nor hides the other's silence. */
const WATCH_CHANNEL = { ...CHANNEL, 'grpc.use_local_subchannel_pool': 1 } as const;

/** gRPC status codes of a server that is away, too busy or too slow. */
const UNANSWERED: ReadonlySet<unknown> = new Set([4, 8, 14]);

/** A real SpiceDB. Its schema is not written: see `schema-check.ts`. */
export function connectEngine(connection: SpicedbConnection, clock: Clock): Engine {
  return prefixed(new GrpcEngine(connection, clock), connection.prefix);
}

/** What the commands on schemas ask: not through the engine, which knows one schema. */
export function connectSchemas(connection: SpicedbConnection): {
  read(): Promise<string>;
  write(schema: string): Promise<void>;
  close(): void;
} {
  const client = openClient(connection, CHANNEL);
  return {
    async read() {
      const deadline = within(LIMITS.lookupTimeoutMs);
      const request = v1.ReadSchemaRequest.create({});
      const found = await unary<v1.ReadSchemaResponse>((done) =>
        client.readSchema(request, { deadline }, done),
      ).catch(noneAsEmpty);
      return found.schemaText;
    },
    async write(schema) {
      const deadline = within(LIMITS.schemaWriteTimeoutMs);
      const request = v1.WriteSchemaRequest.create({ schema });
      await unary<v1.WriteSchemaResponse>((done) =>
        client.writeSchema(request, { deadline }, done),
      );
    },
    close: () => client.close(),
  };
}

/** SpiceDB answers NOT_FOUND (5) where no schema was ever written. */
function noneAsEmpty(error: unknown): Pick<v1.ReadSchemaResponse, 'schemaText'> {
  if (statusOf(error) === 5) return { schemaText: '' };
  throw error;
}

class GrpcEngine implements Engine {
  /** Past this, together is cheaper for both sides than one more beside the others. */
  readonly checksAtOnce = 16;
  readonly #client: v1.ZedClientInterface;
  readonly #watcher: v1.ZedClientInterface;
  readonly #breaker: CircuitBreaker;
  readonly #calls: calls.ZedCalls;
  readonly #watches = new Set<{ cancel(): void }>();
  readonly #types: readonly string[];

  constructor(connection: SpicedbConnection, clock: Clock) {
    this.#client = openClient(connection, CHANNEL);
    this.#watcher = openClient(connection, WATCH_CHANNEL);
    this.#breaker = new CircuitBreaker(clock);
    this.#calls = boundedCalls(this.#client);
    this.#types = [...schemaWords().keys()].map((type) => prefixedType(connection.prefix, type));
  }

  check: Engine['check'] = (items, consistency) =>
    this.#asked(() => calls.check(this.#calls, items, consistency));

  lookupResources: Engine['lookupResources'] = (query, consistency) =>
    this.#asked(() => calls.lookupResources(this.#calls, query, consistency));

  read: Engine['read'] = (filter) => this.#asked(() => calls.read(this.#calls, filter));

  /** Past the breaker: there is one writer, which has its own pace. */
  write: Engine['write'] = (changes, preconditions = []) =>
    calls.write(this.#calls, changes, preconditions);

  watch: Engine['watch'] = (listener, from) => {
    const at = { types: this.#types, ...(from !== undefined && { zedToken: from }) };
    const watch = calls.watch(this.#watcher, listener, at);
    this.#watches.add(watch);
    return {
      cancel: () => {
        this.#watches.delete(watch);
        watch.cancel();
      },
    };
  };

  async close(): Promise<void> {
    for (const watch of this.#watches) watch.cancel();
    this.#client.close();
    this.#watcher.close();
  }

  #asked<T>(call: () => Promise<T>): Promise<T> {
    return this.#breaker.run(call, isUnanswered);
  }
}

type ClientOptions = NonNullable<Parameters<typeof v1.NewClient>[4]>;

export function openClient(
  { endpoint, token, tls, tlsCa }: SpicedbConnection,
  options: ClientOptions,
): v1.ZedClientInterface {
  const { SECURE, INSECURE_PLAINTEXT_CREDENTIALS } = v1.ClientSecurity;
  if (tls && tlsCa !== undefined) {
    const ca = Buffer.from(tlsCa);
    return v1.NewClientWithCustomCert(token, endpoint, ca, 0, options);
  }
  const security = tls ? SECURE : INSECURE_PLAINTEXT_CREDENTIALS;
  return v1.NewClient(token, endpoint, security, 0, options);
}

/** Each call with its own deadline, so that SpiceDB stops working for whoever has gone. */
function boundedCalls(client: v1.ZedClientInterface): calls.ZedCalls {
  return {
    checkBulkPermissions: (request) =>
      unary((done) =>
        client.checkBulkPermissions(request, { deadline: within(LIMITS.checkTimeoutMs) }, done),
      ),
    writeRelationships: (request) =>
      unary((done) =>
        client.writeRelationships(
          request,
          { deadline: within(LIMITS.relationsCommitTimeoutMs) },
          done,
        ),
      ),
    lookupResources: (request) =>
      collected(client.lookupResources(request, { deadline: within(LIMITS.lookupTimeoutMs) })),
    readRelationships: (request) =>
      collected(client.readRelationships(request, { deadline: within(LIMITS.lookupTimeoutMs) })),
  };
}

function within(timeoutMs: number): number {
  return Date.now() + timeoutMs;
}

function unary<T>(call: (done: (error: Error | null, value?: T) => void) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, value) => {
      if (error !== null) reject(error);
      else if (value === undefined) reject(new Error('SpiceDB answered nothing'));
      else resolve(value);
    });
  });
}

function collected<T>(stream: NodeJS.EventEmitter): Promise<T[]> {
  return new Promise((resolve, reject) => {
    const rows: T[] = [];
    stream.on('data', (row: T) => rows.push(row));
    stream.on('error', reject);
    stream.on('end', () => resolve(rows));
  });
}

export function isUnanswered(error: unknown): boolean {
  return UNANSWERED.has(statusOf(error));
}

export function statusOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
