import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { Fault } from '../kernel/errors.ts';
import { PLAN_KINDS, type PlanKind } from './cache/rules.ts';

/** A payer of the clearinghouse, as `resources/payers.json` has it. */
export interface Payer {
  readonly id: string;
  readonly name: string;
  readonly aliases: readonly string[];
  readonly kind: PlanKind;
}

export interface Payers {
  readonly ids: ReadonlySet<string>;
  /** By id, name or another name of it, whatever the case, spaces and punctuation. */
  find(text: string): Payer | undefined;
  /** @throws Fault INVALID_ARGUMENT naming the text */
  resolve(text: string): Payer;
}

const file = z.strictObject({
  about: z.string().optional(),
  payers: z
    .array(
      z.strictObject({
        id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9 ._/-]{0,79}$/),
        name: z.string().min(1).max(200),
        aliases: z.array(z.string().min(1).max(200)).max(200).default([]),
        kind: z.enum(PLAN_KINDS).default('commercial'),
      }),
    )
    .max(20_000),
});

const OURS = fileURLToPath(new URL('../../resources/payers.json', import.meta.url));

/**
 * @param path a file of the form of `resources/payers.json`, which it replaces
 * @throws Error naming the path where it cannot be read, or has one text for two payers
 */
export function readPayers(path = OURS): Payers {
  let listed: readonly Payer[];
  try {
    listed = file.parse(JSON.parse(readFileSync(path, 'utf8'))).payers;
  } catch (cause) {
    throw new Error(`${path} is no list of payers`, { cause });
  }
  return createPayers(listed, path);
}

export function createPayers(payers: readonly Payer[], path = 'resources/payers.json'): Payers {
  const byKey = new Map<string, Payer>();
  for (const payer of payers) {
    for (const text of [payer.id, payer.name, ...payer.aliases]) {
      const known = byKey.get(keyOf(text));
      if (known !== undefined && known !== payer) {
        throw new Error(`${path}: "${text}" is ${known.id} and ${payer.id}`);
      }
      byKey.set(keyOf(text), payer);
    }
  }
  const find = (text: string) => byKey.get(keyOf(text));
  return {
    ids: new Set(payers.map(({ id }) => id)),
    find,
    resolve(text) {
      const found = find(text);
      if (found !== undefined) return found;
      throw new Fault('INVALID_ARGUMENT', {
        detail: `The payer ${JSON.stringify(text.slice(0, 200))} is on no list: an operator adds it to resources/payers.json.`,
        data: { reason: 'unknown-payer' },
      });
    },
  };
}

/** Without case, accents, punctuation and the form of a company. */
function keyOf(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replace(/&/g, ' and ')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .replace(/\b(?:and|the|of|inc|llc|corp|company|co)\b/g, ' ')
    .replace(/ +/g, ' ')
    .trim();
}
