import { readFileSync } from 'node:fs';

/**
 * Loaded before a server (`--import`): its wall clock is off by what `CLOCK_SKEW_FILE` says, in
 * milliseconds. Timers and durations go on as they do when a real clock is set: they are monotonic.
 */
const { now } = Date;
Date.now = () => now() + Number(readFileSync(process.env.CLOCK_SKEW_FILE ?? '', 'utf8'));
