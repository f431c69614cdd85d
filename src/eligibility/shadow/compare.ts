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
        .flatMap(textsOf)
        .sort()
        .join('\n');
    if (said(one) !== said(other)) fields.push(`benefit.${code}`);
  }
  return fields;
}

/** What counts of a benefit, once a service: one interface says in a list what the other repeats. */
function textsOf(benefit: Benefit): string[] {
  const { level = '', network = '', period = '', amount, percent, quantityKind = '' } = benefit;
  const numbers = [amount, percent, benefit.quantity].map((text) =>
    text === undefined ? '' : Number(text),
  );
  const services = benefit.serviceTypes.length === 0 ? [''] : benefit.serviceTypes;
  return services.map((service) =>
    JSON.stringify([service, level, network, period, numbers, quantityKind]),
  );
}
