import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { Fault } from '../../kernel/errors.ts';

/** Payers that this installation can ask, by what people and records call them. */
export interface Payers {
  /** By name, alias or id; undefined for an unknown one. */
  find(text: string): Payer | undefined;
  /** @throws Fault INVALID_ARGUMENT naming the text */
  resolve(text: string): Payer;
  nameOf(id: string): string | undefined;
}

export interface Payer {
  /** Payer id of the clearinghouse. */
  readonly id: string;
  readonly name: string;
}

const file = z.strictObject({
  about: z.string().optional(),
  payers: z
    .array(
      z.strictObject({
        id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9 ._/-]{0,79}$/),
        name: z.string().min(1).max(200),
        aliases: z.array(z.string().min(1).max(200)).max(200).optional(),
      }),
    )
    .max(20_000),
});

const OURS = fileURLToPath(new URL('../../../resources/payers.json', import.meta.url));

/**
 * @param path a file of the form of `resources/payers.json`, which it replaces
 * @throws Error naming the path where the file cannot be read, or has one text for two payers
 */
export function readPayers(path = OURS): Payers {
  let listed: z.infer<typeof file>;
  try {
    listed = file.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new Error(`${path} is no list of payers`, { cause });
  }
  return payersOf(listed.payers, path);
}

function payersOf(listed: z.infer<typeof file>['payers'], path: string): Payers {
  const byText = new Map<string, Payer>();
  const byId = new Map(listed.map(({ id, name }) => [id, { id, name }]));
  for (const { id, name, aliases = [] } of listed) {
    for (const text of [id, name, ...aliases]) {
      const known = byText.get(folded(text));
      if (known !== undefined && known.id !== id) {
        throw new Error(`${path} has "${text}" for ${known.id} and for ${id}`);
      }
      byText.set(folded(text), { id, name });
    }
  }
  const find = (text: string) => byText.get(folded(text));
  return {
    find,
    resolve(text) {
      const found = find(text);
      if (found !== undefined) return found;
      throw new Fault('INVALID_ARGUMENT', {
        detail: `The payer ${JSON.stringify(text.slice(0, 200))} is not in the list of payers (resources/payers.json).`,
        data: { reason: 'unknown-payer' },
      });
    },
    nameOf: (id) => byId.get(id)?.name,
  };
}

/** Without case, accents and punctuation; "and" and "&" are one. */
function folded(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll('&', ' and ')
    .replace(/\p{M}/gu, '')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .replace(/\b(and|the|of)\b/g, ' ')
    .replace(/ +/g, ' ')
    .trim();
}
