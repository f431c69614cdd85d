import type { Change, ChangesPage } from '../../contract/documents.ts';
import { changesOf, type FetchChanges } from '../changes.ts';
import { faultOf, type TwinError } from '../twin-error.ts';
import type { PolledEvent } from './events.ts';
import { memberOf } from './filters.ts';

export interface PollingEvents {
  event(event: PolledEvent): void;
  /** The feed cannot say what was missed. */
  reset(): void;
  /** The server refuses it for good. */
  refused(error: TwinError): void;
}

/** What the change feed tells while no socket is there. */
export class Polling {
  readonly #fetch: FetchChanges;
  readonly #events: PollingEvents;
  #cursor: string | undefined;
  #running: AbortController | undefined;
  #taking: Promise<void> | undefined;

  constructor(fetch: FetchChanges, events: PollingEvents) {
    this.#fetch = fetch;
    this.#events = events;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Takes a place in the feed while all is well, from which it goes on when it is needed. */
  takePlace(signal: AbortSignal): void {
    this.#taking ??= this.#fetch('now', 0, signal)
      .then(({ next }) => {
        this.#cursor ??= next;
      })
      // Then polling begins where the feed stands when it begins; the socket's replay has the rest.
      .catch(() => undefined)
      .finally(() => {
        this.#taking = undefined;
      });
  }

  start(): void {
    if (this.#running !== undefined) return;
    const running = new AbortController();
    this.#running = running;
    this.#run(running.signal).catch((thrown: unknown) => {
      if (!running.signal.aborted) this.#events.refused(faultOf(thrown));
    });
  }

  stop(): void {
    this.#running?.abort();
    this.#running = undefined;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const from = this.#cursor === undefined ? {} : { cursor: this.#cursor };
    for await (const page of changesOf(this.#fetch, { ...from, signal })) {
      if (signal.aborted) return;
      this.#take(page);
    }
  }

  #take({ changes, reset, next }: ChangesPage): void {
    this.#cursor = next;
    if (reset === true) this.#events.reset();
    for (const change of changes) this.#events.event(eventOf(change));
  }
}

/** As the socket would have told it, without a place in its stream. */
function eventOf({ uri, etag, position, kind }: Change): PolledEvent {
  return {
    ...{ id: `${uri} ${position}`, topic: 'twins', subscription: '', epoch: '', offset: 0 },
    type: kind === 'created' ? 'twins.resource-created' : 'twins.resource-updated',
    stream: `member:${memberOf(uri) ?? ''}`,
    ...{ uri, position, time: new Date().toISOString() },
    ...(etag === undefined && { data: { deleted: true } }),
    polled: true,
  } as PolledEvent;
}
