import type { Clock, Timer } from '../../kernel/clock.ts';
import type { Service } from '../../kernel/lifecycle.ts';

export interface ErasureParts {
  /** The log room's own files. */
  readonly log: { purge(): Promise<void> };
  readonly view: { purge(): Promise<{ readonly snapshotsRemoved: number }> };
  readonly outbox: { purge(): Promise<void> };
  /** When the newest member was forgotten of whom the view knows, ISO 8601; `undefined`: none was. */
  forgottenAt(): string | undefined;
  /** Up to where this instance's files were written anew; kept on its disk. */
  readonly done: { read(): Promise<string | undefined>; write(at: string): Promise<void> };
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

/** Whoever was asked here has then done it; several in a row are one. */
const HEARD_MS = 2_000;

export interface Erased {
  readonly snapshotsRemoved: number;
}

/**
 * Leaves no byte of forgotten members in this instance's files: at once where it was asked, after
 * the view has heard of it where another instance was, and at the next start where neither came to
 * its end. One at a time; who asks while it runs gets the run after it.
 */
export interface Erasure extends Service {
  run(): Promise<Erased>;
  /** Somebody was forgotten, here or elsewhere. */
  heard(): void;
}

export function createErasure(parts: ErasureParts): Erasure {
  const { onError, clock } = parts;
  let running: Promise<unknown> = Promise.resolve();
  let next: Promise<Erased> | undefined;
  let started = false;
  let waiting: Timer | undefined;

  const erase = async (): Promise<Erased> => {
    const at = parts.forgottenAt();
    await parts.log.purge();
    await parts.outbox.purge();
    const erased = await parts.view.purge();
    if (at !== undefined) await parts.done.write(at);
    return erased;
  };
  const run = (): Promise<Erased> => {
    next ??= running.then(() => {
      const now = erase();
      next = undefined;
      running = now.catch(() => undefined);
      return now;
    });
    return next;
  };
  const unlessDone = async (): Promise<void> => {
    const [at, done] = [parts.forgottenAt(), await parts.done.read()];
    if (started && at !== undefined && (done === undefined || done < at)) await run();
  };
  return {
    name: 'erasure',
    run,
    heard() {
      if (!started || waiting !== undefined) return;
      waiting = clock.after(HEARD_MS, () => {
        waiting = undefined;
        unlessDone().catch(onError);
      });
    },
    async start() {
      started = true;
      unlessDone().catch(onError);
    },
    async stop() {
      started = false;
      waiting?.cancel();
      await next?.catch(() => undefined);
      await running;
    },
  };
}
