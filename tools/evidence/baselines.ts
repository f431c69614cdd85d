import { isObject } from '../../src/kernel/json.ts';

const BM25_K = 1.2;
const BM25_B = 0.75;

/** What a context holds that nobody chose with care: the beginning of the bundle as it came. */
export function firstOf(bundle: string, charsMax: number): string {
  return bundle.slice(0, charsMax);
}

/** Ranked whole resources, flattened to their values (paths would only dilute them). */
export function createBm25(bundle: string): (question: string, charsMax: number) => string {
  const { entry = [] } = JSON.parse(bundle) as { entry?: { resource?: unknown }[] };
  const texts = entry.map(({ resource }) => flat(resource).join('\n'));
  const documents = texts.map(wordsOf);
  const mean = documents.reduce((sum, { length }) => sum + length, 0) / documents.length;
  const counts = documents.map((words) => {
    const count = new Map<string, number>();
    for (const word of words) count.set(word, (count.get(word) ?? 0) + 1);
    return count;
  });
  const holders = new Map<string, number>();
  for (const count of counts) {
    for (const word of count.keys()) holders.set(word, (holders.get(word) ?? 0) + 1);
  }
  return (question, charsMax) => {
    const asked = new Set(wordsOf(question));
    const scores = counts.map((count, at) => {
      const length = documents[at]?.length ?? 0;
      return [...asked].reduce((sum, word) => {
        const found = count.get(word) ?? 0;
        const held = holders.get(word) ?? 0;
        const rarity = Math.log(1 + (counts.length - held + 0.5) / (held + 0.5));
        const norm = found + BM25_K * (1 - BM25_B + (BM25_B * length) / mean);
        return sum + (rarity * found * (BM25_K + 1)) / norm;
      }, 0);
    });
    const order = scores.map((_, at) => at).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
    return order
      .map((at) => texts[at] ?? '')
      .join('\n\n')
      .slice(0, charsMax);
  };
}

function flat(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(flat);
  return isObject(value) ? Object.values(value).flatMap(flat) : [String(value)];
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
}
