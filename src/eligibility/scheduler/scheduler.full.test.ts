import { test } from 'node:test';
import { checkSchedules, checkShares } from './properties.rig.ts';

const RUNS = 10_000;
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);

test(`B-EL-21: slots, no idle one, an end for each: 10,000 schedules (FUZZ_SEED=${seed})`, () => {
  checkSchedules({ seed, runs: RUNS });
});

test(`B-EL-22: shares by weight of tenants and of classes: 10,000 schedules (FUZZ_SEED=${seed})`, () => {
  checkShares({ seed, runs: RUNS });
});
