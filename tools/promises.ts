/** Every promise is cited by a test, or stands in the list of known gaps; never both. */

import { KNOWN_GAPS, PROMISES } from '../test/promises.ts';
import { readFiles, type SourceFile } from './files.ts';

/** A citation: an id in the name of a test or suite, or in `promise('…')`. */
const NAME = /\b(?:test|it|describe|suite|promise)(?:\.\w+)?\(\s*(['"`])((?:\\.|(?!\1)[\s\S])*)\1/g;
const ID = /\b(?:P\d{1,2}|[A-Z]-[A-Z]{2,8}-\d{1,2})\b/g;

export interface Ledger {
  readonly promises: readonly { readonly id: string }[];
  readonly gaps: readonly { readonly id: string; readonly reason: string }[];
}

export function checkPromises(): string[] {
  const tests = readFiles('{src,test,tools}/**/*{.test,-suite*.rig}.ts');
  return findBroken({ promises: PROMISES, gaps: KNOWN_GAPS }, tests);
}

export function findBroken(ledger: Ledger, tests: readonly SourceFile[]): string[] {
  const cited = citations(tests);
  const known = new Set(ledger.promises.map(({ id }) => id));
  const gaps = new Map(ledger.gaps.map(({ id, reason }) => [id, reason]));
  return [
    ...[...known]
      .filter((id) => !cited.has(id) && !gaps.has(id))
      .map((id) => `${id} is promised, and no test cites it`),
    ...[...cited]
      .filter(([id]) => !known.has(id))
      .map(([id, path]) => `${path} cites ${id}, which nobody promised`),
    ...[...gaps]
      .filter(([id]) => cited.has(id) || !known.has(id))
      .map(([id]) =>
        known.has(id)
          ? `${id} is tested by ${cited.get(id)}: it is no known gap any more, take it off the list`
          : `${id} is a known gap of no promise`,
      ),
  ];
}

/** Cited ids, each with one file that cites it. */
export function citations(tests: readonly SourceFile[]): Map<string, string> {
  const cited = new Map<string, string>();
  for (const { path, text } of tests) {
    for (const [, , name = ''] of text.matchAll(NAME)) {
      for (const [id] of name.matchAll(ID)) cited.set(id, path);
    }
  }
  return cited;
}
