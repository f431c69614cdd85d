/**
 * Holds facts in a directory's outbox until somebody kills it; a line for every one it acknowledged.
 * The log behind it is away, or there: then it only drains, and says when that begins and is done.
 */

import { sleep, systemClock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import type { Intake } from '../../twin/ports.ts';
import { createEmbeddedLog } from '../embedded.ts';
import { withOutbox } from '../outbox/outbox.ts';
import { bundleOf, condition, patient, submission } from './bundles.ts';

const [dataDir = '', run = '', log = ''] = process.argv.slice(2);
const FACTS = 20;

function onError(error: unknown): never {
  throw error;
}

const gone = (): Promise<never> => Promise.reject(new Fault('LOG_UNAVAILABLE'));
const away: Intake = { submitBundle: gone, submitRecord: gone, held: gone };
const clock = systemClock;
const rules = {
  memberIds: 'patient-id',
  memberIdKey: new Uint8Array(32),
  etagKey: new Uint8Array(32),
} as const;
const embedded = createEmbeddedLog({ dataDir, clock, onError, ...rules });
await embedded.start();
const outbox = withOutbox(log === 'away' ? away : embedded.intake, {
  ...{ dataDir, clock, onError },
  delivery: () => Promise.resolve('auto'),
});
await outbox.start();
if (log === 'away') await holdForEver();
process.stdout.write('draining\n');
while (outbox.state().submissions > 0) await sleep(1);
process.stdout.write('drained\n');
await outbox.stop();
await embedded.stop();

async function holdForEver(): Promise<never> {
  for (let turn = 0; ; turn += 1) {
    const facts = Array.from({ length: FACTS }, (_, index) =>
      condition(`c${run}-${turn}-${index}`, 'm', `Condition ${index}`),
    );
    const json = bundleOf(patient('m', { language: `${run}-${turn}` }), ...facts);
    await outbox.submitBundle(submission(json, { eventId: `${run}-${turn}` }));
    process.stdout.write(`${run}-${turn}\n`);
  }
}
