/** Controls, format characters (RTL marks, zero width), surrogates, private use, odd spaces. */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]+/gu;
/** A few marks make a letter; a heap of them covers the line above. */
const HEAPED_MARKS = /(\p{M}{3})\p{M}+/gu;

/**
 * Somebody else's text as a page may show it: nothing in it turns, hides or covers what stands
 * beside it. Markup is escaped where the page is made.
 */
export function visibleText(text: string, charsMax: number): string {
  const plain = text
    .slice(0, charsMax * 4)
    .toWellFormed()
    .normalize('NFKC')
    .replace(UNSEEN, ' ')
    .replace(HEAPED_MARKS, '$1')
    .replace(/\s+/gu, ' ')
    .trim();
  const chars = [...plain];
  return chars.length > charsMax ? `${chars.slice(0, charsMax - 1).join('')}…` : plain;
}
