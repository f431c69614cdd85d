import type { PlanKind } from './cache/rules.ts';

/** A payer of the clearinghouse, as `resources/payers.json` has it. */
export interface Payer {
  readonly id: string;
  readonly name: string;
  readonly aliases: readonly string[];
  readonly kind: PlanKind;
}

export interface Payers {
  /** By id, name or another name of it, whatever the case, spaces and punctuation. */
  find(text: string): Payer | undefined;
}

export function createPayers(payers: readonly Payer[]): Payers {
  const byKey = new Map<string, Payer>();
  for (const payer of payers) {
    for (const text of [payer.id, payer.name, ...payer.aliases]) {
      const known = byKey.get(keyOf(text));
      if (known !== undefined && known !== payer) {
        throw new Error(`resources/payers.json: two payers are called ${text}`);
      }
      byKey.set(keyOf(text), payer);
    }
  }
  return { find: (text) => byKey.get(keyOf(text)) };
}

function keyOf(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/&/g, ' and ')
    .replace(/[^a-z0-9]+/g, ' ')
    .replace(/\b(?:inc|llc|corp|company|co)\b/g, ' ')
    .replace(/ +/g, ' ')
    .trim();
}
