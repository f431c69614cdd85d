/** kcat: a Kafka client that shares nothing with ours (librdkafka), for tests. */

import type { Say } from './cache.ts';
import { need } from './programs.ts';

const KCAT = {
  program: 'kcat',
  debian: 'kcat',
  otherwise: 'install kcat (Debian: kcat), an independent client for the tests',
};

export async function bringKcat(say: Say): Promise<void> {
  await need([KCAT], say);
}
