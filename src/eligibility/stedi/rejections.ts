import { given } from '../given.ts';
import type { Loop, Rejection } from '../model.ts';
import { FOLLOW_UPS } from './codes.ts';
import type { Node } from './read.ts';

/** AAA of both JSON shapes: the same one may stand in `errors` and at its loop, and counts once. */
export function rejectionsOf(
  found: readonly { readonly node: Node; readonly loop?: Loop }[],
): Rejection[] {
  const kept = new Map<string, Rejection>();
  for (const { node, loop } of found) {
    const code = node.code('code');
    // What is no AAA03 (a code of the clearinghouse's own) stays in the raw answer.
    if (code === undefined || !/^[0-9A-Z]{2}$/.test(code)) continue;
    const where = loop ?? loopOf(node.text('location'));
    const key = `${code} ${where}`;
    if (kept.has(key)) continue;
    const said = node.text('followupAction');
    const followUp = FOLLOW_UPS.codeOf(said) ?? (said?.length === 1 ? said : undefined);
    kept.set(key, { code, loop: where, path: node.path, ...given({ followUp }) });
  }
  return [...kept.values()];
}

/** `Loop 2100B`, `2110C`, `SUBSCRIBER_BENEFITS`. */
function loopOf(location = ''): Loop {
  const [letter = ''] = /(?<=21[012]0)[A-D]/.exec(location) ?? [];
  const word = location.toLowerCase().split('_')[0] ?? '';
  return LETTERS[letter] ?? (WORDS.find((one) => one === word) || 'unknown');
}

const LETTERS: Readonly<Record<string, Loop>> = {
  A: 'payer',
  B: 'provider',
  C: 'subscriber',
  D: 'dependent',
};
const WORDS: readonly Loop[] = ['payer', 'provider', 'subscriber', 'dependent'];
