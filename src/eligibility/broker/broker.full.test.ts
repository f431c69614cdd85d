import { test } from 'node:test';
import { checkKills } from './kills.rig.ts';

const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);

test(`P8: killed at any commit, each accepted check ends once, and no slot too many is taken (FUZZ_SEED=${seed})`, () =>
  checkKills({ seed, runs: 300 }));
