import { workerData } from 'node:worker_threads';
import { serveWorker } from '../../kernel/worker.ts';
import { asLogFault } from '../faults.ts';
import {
  type Holding,
  type Load,
  type OutboxBounds,
  openOutboxStore,
  type Queued,
  type Refused,
  type TenantsOutbox,
} from './store.ts';
import type { Held } from './submission.ts';

export interface OutboxWorkerData {
  readonly path: string;
  readonly bounds: OutboxBounds;
}

export type OutboxMethods = {
  load(args: null): Load;
  hold(args: { items: readonly Held[] }): Holding[];
  first(args: null): Queued | undefined;
  done(args: { number: number }): void;
  refuse(args: { number: number; why: Refused; at: number }): void;
  setAside(args: { number: number; at: number }): void;
  ofTenant(args: { tenant: string }): TenantsOutbox;
  purge(args: null): void;
  close(args: null): void;
};

const { path, bounds } = workerData as OutboxWorkerData;
const store = openOutboxStore(path, bounds);

/** @throws Fault LOG_UNAVAILABLE where the disk takes nothing */
function writing<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw asLogFault(error);
  }
}

/** The thread in which the outbox's fsyncs happen. */
const methods: OutboxMethods = {
  load: () => store.load(),
  hold: ({ items }) => writing(() => store.hold(items)),
  first: () => store.first(),
  done: ({ number }) => writing(() => store.done(number)),
  refuse: ({ number, why, at }) => writing(() => store.refuse(number, why, at)),
  setAside: ({ number, at }) => writing(() => store.setAside(number, at)),
  ofTenant: ({ tenant }) => store.ofTenant(tenant),
  purge: () => writing(() => store.purge()),
  close: () => store.close(),
};

serveWorker(methods);
