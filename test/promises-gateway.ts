/** Of the realtime gateway: docs/gateway.md and docs/sdk.md. */

import { PUSHER_PROMISES } from './promises-pusher.ts';
import { REALTIME_PROMISES } from './promises-realtime.ts';
import { SDK_PROMISES } from './promises-sdk.ts';

export const GATEWAY_PROMISES = [...REALTIME_PROMISES, ...SDK_PROMISES, ...PUSHER_PROMISES];
