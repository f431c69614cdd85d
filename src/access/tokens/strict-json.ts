import { isObject } from '../../kernel/json.ts';

/**
 * A JSON object whose keys are unique at every depth; `undefined` for anything else. Parsers differ
 * on which of two equal keys they take (RFC 8259 §4), so a token that holds two `aud` means one
 * thing to its issuer's tools and another to us.
 */
export function parseStrict(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) && !hasDuplicateKeys(text) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Walks text that is known to be valid JSON: strings and brackets are all that matters. */
function hasDuplicateKeys(text: string): boolean {
  const open: Set<string>[] = [];
  for (const [token, key] of text.matchAll(/("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[{}]/g)) {
    if (token === '{') open.push(new Set());
    else if (token === '}') open.pop();
    else if (key !== undefined) {
      const name = String(JSON.parse(key));
      const names = open.at(-1);
      if (names?.has(name) === true) return true;
      names?.add(name);
    }
  }
  return false;
}
