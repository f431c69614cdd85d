import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { Fault } from './errors.ts';

/**
 * Requests to a worker thread, and events back. The worker's side is `serveWorker`.
 *
 * Embedded parts block (SQLite, SpiceDB's library), so each lives in a thread of its own behind
 * this seam and the event loop stays free.
 */

type ToWorker = { readonly id: number; readonly method: string; readonly args: unknown };
type FromWorker =
  | { readonly id: number; readonly ok: unknown }
  | { readonly id: number; readonly fault: WireFault }
  | { readonly event: unknown };
type WireFault = { code?: Fault['code']; message: string; data?: Fault['data']; stack?: string };

export interface WorkerHandle<Methods> {
  call<M extends keyof Methods & string>(
    method: M,
    args: ArgsOf<Methods[M]>,
  ): Promise<ResultOf<Methods[M]>>;
  close(): Promise<void>;
}

type ArgsOf<F> = F extends (args: infer A) => unknown ? A : never;
type ResultOf<F> = F extends (args: never) => infer R ? Awaited<R> : never;

export interface WorkerOptions {
  /** `import.meta.url` of the caller, and the worker's file beside it without its extension. */
  readonly from: string;
  readonly file: string;
  readonly data: unknown;
  readonly onEvent?: (event: unknown) => void;
  /** Called once when the thread dies; every pending and later call is refused. */
  readonly onDeath?: (error: Error) => void;
}

/** A thread ended that should not have: what it served is refused until somebody starts anew. */
export class WorkerDied extends Error {
  constructor(file: string, cause: unknown) {
    super(`the thread ${file.replace('./', '')} has ended`, { cause });
    this.name = 'WorkerDied';
  }
}

export function startWorker<Methods>(options: WorkerOptions): WorkerHandle<Methods> {
  const extension = options.from.endsWith('.ts') ? '.ts' : '.js';
  const worker = new Worker(new URL(options.file + extension, options.from), {
    workerData: options.data,
    // What `top -H` shows: 15 characters.
    name: options.file.replace('./', ''),
  });
  const pending = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let nextId = 1;
  let dead: Error | undefined;

  const die = (cause: unknown): void => {
    if (dead !== undefined) return;
    dead = new WorkerDied(options.file, cause);
    for (const call of pending.values()) call.reject(dead);
    pending.clear();
    options.onDeath?.(dead);
  };
  worker.on('error', die);
  worker.on('exit', (code) => die(`exit code ${code}`));
  worker.on('message', (message: FromWorker) => {
    if ('event' in message) return options.onEvent?.(message.event);
    const call = pending.get(message.id);
    pending.delete(message.id);
    if ('fault' in message) call?.reject(fromWire(message.fault));
    else call?.resolve(message.ok);
  });

  return {
    call(method, args) {
      if (dead !== undefined) return Promise.reject(dead);
      return new Promise((resolve, reject) => {
        const id = nextId++;
        pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
        worker.postMessage({ id, method, args } satisfies ToWorker);
      });
    },
    async close() {
      options = { ...options, onDeath: () => undefined };
      await worker.terminate();
    },
  };
}

/** The worker's side: answers calls one after the other, in the order in which they came. */
export function serveWorker(methods: Record<string, (args: never) => unknown>): void {
  const port = parentPort;
  if (isMainThread || port === null) throw new Error('serveWorker runs in a worker thread only');
  let turn: Promise<void> = Promise.resolve();
  port.on('message', (message: ToWorker) => {
    turn = turn.then(async () => port.postMessage(await answer(methods, message)));
  });
}

/** Sends an event to the thread that started this worker. */
export function emitFromWorker(event: unknown): void {
  parentPort?.postMessage({ event } satisfies FromWorker);
}

async function answer(
  methods: Record<string, (args: never) => unknown>,
  message: ToWorker,
): Promise<FromWorker> {
  try {
    const method = methods[message.method];
    if (method === undefined) throw new Error(`no worker method ${message.method}`);
    return { id: message.id, ok: await method(message.args as never) };
  } catch (error) {
    return { id: message.id, fault: toWire(error) };
  }
}

function toWire(error: unknown): WireFault {
  if (error instanceof Fault) return { code: error.code, message: error.message, data: error.data };
  if (!(error instanceof Error)) return { message: String(error) };
  return { message: error.message, ...(error.stack !== undefined && { stack: error.stack }) };
}

function fromWire(fault: WireFault): Error {
  if (fault.code !== undefined) {
    return new Fault(fault.code, {
      detail: fault.message,
      ...(fault.data && { data: fault.data }),
    });
  }
  const error = new Error(fault.message);
  if (fault.stack !== undefined) error.stack = fault.stack;
  return error;
}
