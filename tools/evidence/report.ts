import type { Asked } from './measure.ts';

export const WAYS = ['search', 'pair', 'bm25', 'raw'] as const;
type WayName = (typeof WAYS)[number];

export interface Score {
  readonly questions: number;
  readonly right: number;
  /** Right of a hundred, one decimal. */
  readonly percent: number;
  /** Tokens spent on all questions for each that was met. */
  readonly tokensPerRight: number | null;
}

export function scoreOf(asked: readonly Asked[], way: WayName): Score {
  const right = asked.filter((one) => one[way].met).length;
  const tokens = asked.reduce((sum, one) => sum + one[way].tokens, 0);
  return {
    questions: asked.length,
    right,
    percent: Math.round((right / Math.max(1, asked.length)) * 1_000) / 10,
    tokensPerRight: right === 0 ? null : Math.round(tokens / right),
  };
}

export function summaryOf(asked: readonly Asked[]): Record<string, unknown> {
  const scores = (some: readonly Asked[]) =>
    Object.fromEntries(WAYS.map((way) => [way, scoreOf(some, way)]));
  const kinds = Map.groupBy(asked, ({ question }) => question.kind);
  return {
    all: scores(asked),
    kinds: Object.fromEntries([...kinds].map(([kind, own]) => [kind, scores(own)])),
  };
}

/** A table for people: both scores by kind, then what they stand beside. */
export function tableOf(name: string, asked: readonly Asked[]): string {
  const kinds = Map.groupBy(asked, ({ question }) => question.kind);
  const row = (label: string, some: readonly Asked[]) =>
    [
      label.padEnd(24),
      String(some.length).padStart(5),
      ...WAYS.map((way) => `${scoreOf(some, way).percent.toFixed(1)} %`.padStart(10)),
    ].join('');
  const cost = WAYS.map((way) => String(scoreOf(asked, way).tokensPerRight ?? '–').padStart(10));
  return [
    `${name}: right by kind; search alone at 500 tokens, then with one read at 2,000`,
    `${'kind'.padEnd(24)}${'n'.padStart(5)}${['500', '2,000', 'BM25', 'raw'].map((head) => head.padStart(10)).join('')}`,
    ...[...kinds].map(([kind, own]) => row(kind, own)),
    row('all', asked),
    `${'tokens per right answer'.padEnd(29)}${cost.join('')}`,
    '',
  ].join('\n');
}
