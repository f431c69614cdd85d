import type { BrokerStatus } from '../../contract/eligibility.ts';
import { table } from '../io.ts';

const BAR_CELLS = 30;

/** Slots, queues and payers, as lines for a terminal. */
export function statusText(status: BrokerStatus): string {
  const { decides, open, saved, slots, classes = [], payers = [] } = status;
  const savings =
    `saved since the start: ${saved.fromCache} from kept answers, ${saved.shared} shared, ` +
    `about $${saved.dollars.toFixed(2)}; asked: ${saved.asked}`;
  if (!decides || slots === undefined) {
    return [`another instance decides; ${open} checks are open`, savings].join('\n');
  }
  const { inUse, now, most } = slots;
  const full = Math.round((Math.min(inUse, most) / most) * BAR_CELLS);
  const less = now < most ? ` (${now} for now, the clearinghouse refused more)` : '';
  const bar = `slots  [${'#'.repeat(full).padEnd(BAR_CELLS, '.')}] ${inUse} of ${most}${less}`;
  const queues = classes.map((one) => [
    ...[one.class, String(one.inUse), String(one.waiting)],
    seconds(one.expectedWaitMs),
  ]);
  const busy = payers.map((one) => [
    ...[one.payer, `${one.inUse} of ${one.cap}`, String(one.waiting)],
    ...[seconds(one.callMs), one.breaker === 'closed' ? '' : one.breaker],
  ]);
  return [
    bar,
    '',
    table(['CLASS', 'CALLING', 'WAITING', 'ANSWER IN'], queues),
    ...(busy.length === 0
      ? []
      : ['', table(['PAYER', 'CALLING', 'WAITING', 'A CALL', 'BREAKER'], busy)]),
    '',
    savings,
  ].join('\n');
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
