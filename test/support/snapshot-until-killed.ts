/** Makes snapshots of the view in a directory until somebody kills it; a line before each. */

import { systemClock } from '../../src/kernel/clock.ts';
import { createEmbeddedLog } from '../../src/log/embedded.ts';
import { createChangeBus } from '../../src/twin/change-bus.ts';
import { createView } from '../../src/view/embedded.ts';

const [dataDir = '', snapshotDir = ''] = process.argv.slice(2);
const onError = (error: unknown): never => {
  throw error;
};
const key = new Uint8Array(32).fill(1);
const options = { dataDir, clock: systemClock, onError };
const log = createEmbeddedLog({
  ...options,
  memberIds: 'patient-id',
  memberIdKey: key,
  etagKey: new Uint8Array(32),
});
await log.start();
const bus = createChangeBus(onError);
const view = createView({ ...options, snapshotDir, log: log.log, bus, etagKey: key });
await view.start();
for (;;) {
  process.stdout.write('making\n');
  await view.snapshots.create();
}
