import { z } from 'zod';
import { Malformed } from './asked.ts';
import { PROFILES } from './latency.ts';

const profile = z.enum(PROFILES);
const controls = z.strictObject({
  slots: z.int().min(0).max(10_000),
  timeScale: z.number().min(0).max(10),
  profile,
  /** Payers that answer otherwise than the others. */
  payers: z.record(z.string().max(80), profile),
});
export type Controls = z.infer<typeof controls>;

/**
 * What is set while it runs; absent members stay as they are.
 * @throws Malformed
 */
export function controlsOf(present: Controls, body: unknown): Controls {
  const read = controls.partial().safeParse(body);
  if (!read.success) throw new Malformed(['(controls)']);
  const { slots, timeScale, profile: all, payers } = read.data;
  return {
    slots: slots ?? present.slots,
    timeScale: timeScale ?? present.timeScale,
    profile: all ?? present.profile,
    payers: payers ?? present.payers,
  };
}
