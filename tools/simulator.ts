/**
 * The clearinghouse's simulator alone, for tests and benches of several processes:
 * `npx node tools/simulator.ts --port 0 --slots 15 --time-scale 0.01 --profile normal --seed 1`.
 * Prints `{"url": …}` once it listens. `GET /_simulator` counts, `PUT` sets, `DELETE` begins anew.
 */

import { parseArgs } from 'node:util';
import { PROFILES } from '../src/eligibility/simulator/latency.ts';
import { startSimulator } from '../src/eligibility/simulator/server.ts';
import { systemClock } from '../src/kernel/clock.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    slots: { type: 'string', default: '15' },
    'time-scale': { type: 'string', default: '1' },
    profile: { type: 'string', default: 'normal' },
    seed: { type: 'string', default: '1' },
  },
});

const number = (name: 'port' | 'slots' | 'time-scale' | 'seed'): number => {
  const value = Number(values[name]);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new Error(`--${name} must be a number of 0 or more`);
};
const profile = PROFILES.find((one) => one === values.profile);
if (profile === undefined) throw new Error(`--profile must be one of ${PROFILES.join(', ')}`);

const simulator = await startSimulator({
  clock: systemClock,
  port: number('port'),
  slots: number('slots'),
  timeScale: number('time-scale'),
  profile,
  seed: number('seed'),
});
process.stdout.write(`${JSON.stringify({ url: simulator.url })}\n`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void simulator.stop().then(() => process.exit(0)));
}
