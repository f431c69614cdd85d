/** Of the realtime gateway: docs/gateway.md and docs/sdk.md. */

import { PUSHER_PROMISES } from './promises-pusher.ts';
import { REALTIME_PROMISES } from './promises-realtime.ts';

const promised = (id: string, says: string) => ({ id, says, source: 'realtime.md' });

export const GATEWAY_PROMISES = [
  ...REALTIME_PROMISES,
  promised(
    'B-GW-31',
    'A rollout flag moves its percentage of members, the same ones at each step and on each instance, and setting it back takes all of them back at once.',
  ),
  ...PUSHER_PROMISES,
];
