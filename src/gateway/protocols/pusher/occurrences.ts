import type { PresenceChange } from '../../ports.ts';
import { appEvent } from './app-event.ts';
import type { PusherApp } from './apps.ts';
import type { PusherParts, WebhookEvent } from './parts.ts';
import { occupiedChannel } from './rooms.ts';
import { controlStreamOf } from './streams.ts';

/** Within this, two instances that saw the same change agree on which of them tells it, ms. */
const SAME_MS = 1_000;

/**
 * What happened on channels, for webhooks: every instance hears of it, and one of them tells. Which one
 * is decided by the log, where the second to say the same is a duplicate.
 */
export class Occurrences {
  readonly #parts: Pick<PusherParts, 'apps' | 'hub' | 'webhooks' | 'clock' | 'report'>;

  constructor(parts: Pick<PusherParts, 'apps' | 'hub' | 'webhooks' | 'clock' | 'report'>) {
    this.#parts = parts;
  }

  changed({ channel: key, kind, user }: PresenceChange): void {
    const { apps } = this.#parts;
    const occupied = apps.all.find((app) => occupiedChannel(app) === key);
    if (occupied !== undefined) {
      const name = kind === 'member_added' ? 'channel_occupied' : 'channel_vacated';
      this.#once(occupied, { name, channel: user.id });
      return;
    }
    const [id = '', channel = ''] = key.split(':');
    const app = apps.byId(id);
    if (app !== undefined) this.#once(app, { name: kind, channel, user_id: user.id });
  }

  #once(app: PusherApp, event: WebhookEvent): void {
    if (app.webhooks.length === 0) return;
    const { hub, webhooks, clock, report } = this.#parts;
    const now = clock.now();
    // The same change comes back after the 3 s of grace at the earliest, so two seconds are one.
    const second = Math.floor(now / SAME_MS);
    const keys = [second, second - 1].map((one) => `${JSON.stringify(event)} ${one}`);
    const said = { channel: event.channel, name: 'webhook', data: '{}', nowMs: now };
    hub.publish(controlStreamOf(app), { ...appEvent(app, said), type: 'webhook' }, keys).then(
      ({ duplicate }) => {
        if (!duplicate) webhooks.tell(app, event);
      },
      // Rather twice than never.
      (error: unknown) => {
        report(error);
        webhooks.tell(app, event);
      },
    );
  }
}
