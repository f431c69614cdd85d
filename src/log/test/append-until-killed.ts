/** Appends to the log in a directory until somebody kills it; a line for every receipt. */

import { systemClock } from '../../kernel/clock.ts';
import { createEmbeddedLog } from '../embedded.ts';
import { bundleOf, condition, patient, submission } from './bundles.ts';

const [dataDir = '', run = ''] = process.argv.slice(2);
const { intake, start } = createEmbeddedLog({
  dataDir,
  clock: systemClock,
  memberIds: 'patient-id',
  memberIdKey: new Uint8Array(32),
  etagKey: new Uint8Array(32),
  onError(error) {
    throw error;
  },
});
await start();
for (let turn = 0; ; turn++) {
  const member = `m${run}-${turn}`;
  const conditions = Array.from({ length: 20 }, (_, index) =>
    condition(`${member}-c${index}`, member, `Condition ${index}`),
  );
  const json = bundleOf(patient(member), ...conditions);
  await intake.submitBundle(submission(json, { eventId: member }));
  process.stdout.write(`${member}\n`);
}
