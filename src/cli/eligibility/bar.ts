import type { BatchStatus } from '../../contract/eligibility-batches.ts';
import type { Output } from '../io.ts';

const BAR_CHARS = 24;

/** How far a batch is: a bar on a terminal, elsewhere nothing. */
export function drawBatch(out: Output, { rows, state, progress }: BatchStatus): void {
  if (out.isTTY !== true) return;
  const share = rows === 0 ? 1 : progress.ended / rows;
  const full = Math.floor(share * BAR_CHARS);
  out.write(
    `\r\u001b[2K[${'#'.repeat(full)}${'.'.repeat(BAR_CHARS - full)}] ` +
      `${progress.ended}/${rows} rows, ${state}`,
  );
}

export function clearBar(out: Output): void {
  if (out.isTTY === true) out.write('\r\u001b[2K');
}
