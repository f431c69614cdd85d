import { periodOf, statusOf } from '../fact/status.ts';
import type { Answer, Benefit } from '../model.ts';

/**
 * In which fields two answers to one question differ: `status`, `period`, or `benefit.C` for
 * benefits of that EB01 code. Names of fields only; what they hold is nobody's to log.
 */
export function differences(one: Answer, other: Answer, asked: readonly string[]): string[] {
  const fields: string[] = [];
  if (statusOf(one, asked) !== statusOf(other, asked)) fields.push('status');
  if (JSON.stringify(periodOf(one)) !== JSON.stringify(periodOf(other))) fields.push('period');
  const codes = new Set([...one.benefits, ...other.benefits].map(({ code }) => code));
  for (const code of codes) {
    const said = (answer: Answer): string =>
      answer.benefits
        .filter((benefit) => benefit.code === code)
        .map(textOf)
        .sort()
        .join('\n');
    if (said(one) !== said(other)) fields.push(`benefit.${code}`);
  }
  return fields;
}

/** What counts of a benefit: where it stands in the answer does not. */
function textOf(benefit: Benefit): string {
  const { level, serviceTypes, network, period, amount, percent, quantityKind, quantity } = benefit;
  const numbers = [amount, percent, quantity].map((text) =>
    text === undefined ? '' : Number(text),
  );
  return JSON.stringify([
    ...[level ?? '', serviceTypes.toSorted(), network ?? '', period ?? '', numbers],
    quantityKind ?? '',
  ]);
}
