import { createHmac } from 'node:crypto';
import type { Service } from '../kernel/lifecycle.ts';
import type { CheckBoard, CheckStep } from '../twin/ports.ts';
import { createSealing, type Secrets } from '../twin/sealing.ts';
import { connectRedis, type RedisSettings } from './redis.ts';

export interface CheckBoardOptions {
  /** `undefined`: what an instance knows stays with it. */
  readonly settings: RedisSettings | undefined;
  readonly secrets: Secrets;
  readonly report: (error: unknown) => void;
}

/** As long as somebody may still poll. */
const KEPT_MS = 24 * 3_600_000;

/**
 * How checks ended, for instances that the journal cannot tell. The first word counts. Sealed, and
 * under keys that tell nobody of what they are; whoever loses Redis loses only that shortcut.
 */
export function openCheckBoard(options: CheckBoardOptions): CheckBoard & Service {
  const { settings, secrets, report } = options;
  const nothing = () => Promise.resolve();
  if (settings === undefined) {
    return {
      name: 'check-board',
      put: nothing,
      get: async () => undefined,
      start: nothing,
      stop: nothing,
    };
  }
  const lost = 'how checks ended is told by the journal alone';
  const redis = connectRedis({ settings, report, lost });
  const sealing = createSealing('check-board', secrets);
  const keyOf = (checkId: string): string => {
    const hash = createHmac('sha256', secrets[0]).update(`check ${checkId}`).digest('base64url');
    return `${redis.prefix}:check:${hash}`;
  };
  return {
    name: 'check-board',
    start: () => redis.start(),
    stop: () => redis.stop(),
    async put(checkId, standing) {
      const { text } = sealing.seal(checkId, { standing });
      await redis.client.set(keyOf(checkId), text, 'PX', KEPT_MS, 'NX');
    },
    async get(checkId) {
      const text = await redis.client.get(keyOf(checkId));
      const opened = text === null ? undefined : sealing.open(checkId, text);
      return (opened?.payload as { readonly standing?: CheckStep } | undefined)?.standing;
    },
  };
}
