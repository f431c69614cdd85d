import { test } from 'node:test';
import { checkJoins } from './joins.rig.ts';
import { checkKills } from './kills.rig.ts';

const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);

test(`P8: killed at any commit, each accepted check ends once, and no slot too many is taken (FUZZ_SEED=${seed})`, () =>
  checkKills({ seed, runs: 300 }));

test(`B-EL-23: singleflight joins exactly those it may: 10,000 schedules (FUZZ_SEED=${seed})`, () =>
  checkJoins({ seed, runs: 10_000 }));
