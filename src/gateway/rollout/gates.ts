import {
  type ComparisonReport,
  type GateCheck,
  ROLLOUT_STEPS,
  type RolloutDay,
  type RolloutFlag,
  type RolloutGate,
} from '../../contract/rollout.ts';

/** What each step asks for (docs/sdk.md, "Moving from Pusher"). */
export const GATE = {
  /** Events that a device heard both ways within a day. */
  comparedMin: 100,
  /** Of what the former Pusher was sent, how much may not have arrived there. */
  failedShareMax: 0.001,
  /** Slower than Pusher is no reason while it is faster than this. */
  fastEnoughMs: 100,
  /** How long a step stays before the next one. */
  heldMs: 24 * 3_600_000,
  /** How long nobody may have been there before it is switched off. */
  emptyDays: 7,
} as const;

export interface GateFacts {
  readonly isBridged: boolean;
  /** Of the last day. */
  readonly comparisons: readonly ComparisonReport[];
  /** Today and yesterday. */
  readonly days: readonly RolloutDay[];
  readonly percent: number;
  /** How long the flag is at its step; `undefined`: it never was at another. */
  readonly heldMs: number | undefined;
  /** Days of the last seven on which a member was there; `undefined`: not looked at for so long. */
  readonly daysWithMembers: number | undefined;
}

/** What stands between a flag and its next step. */
export function gateOf(flag: RolloutFlag, facts: GateFacts): RolloutGate {
  const steps = ROLLOUT_STEPS.map(Number);
  const next = steps.find((step) => step > facts.percent);
  const checks = next === undefined ? [isEmpty(facts)] : stepChecks(facts);
  const open = checks.every(({ passed }) => passed);
  return { flag, from: facts.percent, to: next ?? 'off', open, checks };
}

function stepChecks(facts: GateFacts): GateCheck[] {
  return [isBridged(facts), isCompared(facts), losesNothing(facts), isFast(facts), hasHeld(facts)];
}

function isBridged({ isBridged: on, days }: GateFacts): GateCheck {
  const name = 'bridge';
  if (!on)
    return { name, passed: false, says: 'PUSHER_BRIDGE_URL is not set: nothing runs both ways' };
  const sent = sum(days.map(({ bridged }) => bridged));
  const lost = sum(days.map(({ failed }) => failed));
  const passed = lost <= (sent + lost) * GATE.failedShareMax;
  return { name, passed, says: `${sent} events went to Pusher, ${lost} did not arrive there` };
}

function isCompared({ comparisons }: GateFacts): GateCheck {
  const heard = comparisons.reduce((all, one) => all + heardBy(one), 0);
  const says = `${heard} events compared within a day, of ${GATE.comparedMin} (pusher compare)`;
  return { name: 'compared', passed: heard >= GATE.comparedMin, says };
}

function losesNothing({ comparisons }: GateFacts): GateCheck {
  const missing = comparisons.reduce((all, { onlyPusher }) => all + onlyPusher, 0);
  const more = comparisons.reduce((all, { onlyGateway }) => all + onlyGateway, 0);
  const says = `${missing} came by Pusher alone, ${more} by the gateway alone`;
  return { name: 'nothing lost', passed: comparisons.length > 0 && missing === 0, says };
}

function isFast({ comparisons }: GateFacts): GateCheck {
  const worst = (path: 'gateway' | 'pusher'): number | undefined => {
    const all = comparisons.flatMap(({ latencyMs }) => latencyMs[path]?.p99 ?? []);
    return all.length === 0 ? undefined : Math.max(...all);
  };
  const [own, theirs] = [worst('gateway'), worst('pusher')];
  const passed = own !== undefined && own <= Math.max(theirs ?? 0, GATE.fastEnoughMs);
  const said = (ms: number | undefined): string => (ms === undefined ? 'not known' : `${ms} ms`);
  return { name: 'as fast', passed, says: `p99 ${said(own)} here, ${said(theirs)} by Pusher` };
}

/** The first step away from 0 has nothing to hold. */
function hasHeld({ percent, heldMs }: GateFacts): GateCheck {
  const hours = heldMs === undefined ? undefined : Math.floor(heldMs / 3_600_000);
  const passed = percent === 0 || heldMs === undefined || heldMs >= GATE.heldMs;
  const says = hours === undefined ? 'never at another step' : `at this step for ${hours} h of 24`;
  return { name: 'held', passed, says };
}

function isEmpty({ daysWithMembers }: GateFacts): GateCheck {
  const name = 'empty';
  if (daysWithMembers === undefined) {
    return { name, passed: false, says: `not looked at for ${GATE.emptyDays} days yet` };
  }
  const says = `on ${daysWithMembers} of the last ${GATE.emptyDays} days a member was there`;
  return { name, passed: daysWithMembers === 0, says };
}

function heardBy({ both, onlyGateway, onlyPusher }: ComparisonReport): number {
  return both + onlyGateway + onlyPusher;
}

function sum(counts: readonly Readonly<Record<string, number>>[]): number {
  return counts.flatMap((one) => Object.values(one)).reduce((all, n) => all + n, 0);
}
