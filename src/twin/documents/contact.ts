import { z } from 'zod';
import type { JsonObject } from '../../kernel/json.ts';
import { addressText, compact, objectsOf, stringOf } from '../fhir/elements.ts';

const text = z.string().optional();
const used = z.strictObject({ value: z.string(), use: text, kind: text });

/** How somebody is reached, each way with its use. */
export const contactShape = {
  phones: z.array(used).optional(),
  emails: z.array(used).optional(),
  addresses: z.array(used).optional(),
};

export function contactOf({ telecom, address }: JsonObject): Record<string, JsonObject[]> {
  const ways = objectsOf(telecom);
  return {
    phones: ways.flatMap((one) => usedValue(one, ['phone', 'sms'])),
    emails: ways.flatMap((one) => usedValue(one, ['email'])),
    addresses: objectsOf(address).flatMap((one) => {
      const value = addressText(one);
      return value === undefined ? [] : [compact({ value, use: stringOf(one.use) }) ?? {}];
    }),
  };
}

function usedValue(way: JsonObject, systems: readonly string[]): JsonObject[] {
  const system = stringOf(way.system) ?? '';
  const value = stringOf(way.value);
  if (value === undefined || !systems.includes(system)) return [];
  const kind = system === 'sms' ? 'sms' : undefined;
  return [compact({ value, use: stringOf(way.use), kind }) ?? {}];
}
