import { normal } from './random.ts';

/**
 * How payers answer, after published figures (P50 2.4 s, P95 6 s, P99 30 s; the clearinghouse gives
 * up after 90 s): `normal`; `slow`, P95 above 10 s; `outage`, half of them stalls until the
 * time-out and half quick refusals AAA 42; `stalled`, nothing but stalls.
 */
export const PROFILES = ['normal', 'slow', 'outage', 'stalled'] as const;
export type Profile = (typeof PROFILES)[number];

/** After so long the clearinghouse itself answers 504. Milliseconds. */
export const GIVES_UP_MS = 90_000;

export interface Delay {
  readonly ms: number;
  /** What comes after it, where that is no answer of the payer. */
  readonly instead?: 'no-answer' | 'refused';
}

export function delayOf(profile: Profile, random: () => number): Delay {
  if (profile === 'stalled') return { ms: GIVES_UP_MS, instead: 'no-answer' };
  if (profile === 'outage') {
    return random() < 0.5
      ? { ms: GIVES_UP_MS, instead: 'no-answer' }
      : { ms: 200 + random() * 600, instead: 'refused' };
  }
  if (profile === 'slow') return { ms: lognormal(3_400, 0.7, random) };
  const tail = random() < 0.015;
  return { ms: tail ? 20_000 + random() * 40_000 : lognormal(2_400, 0.557, random) };
}

function lognormal(medianMs: number, sigma: number, random: () => number): number {
  return Math.min(GIVES_UP_MS - 1, medianMs * Math.exp(sigma * normal(random)));
}
