import type { View } from './line.ts';
import type { Part } from './parts.ts';

export interface Renderable {
  readonly uri: string;
  readonly section: string;
  readonly title: string;
  readonly asOf?: string;
  /** Lists of facts, facts and plain elements, all of JSON. */
  readonly data: Readonly<Record<string, unknown>>;
  readonly notices: readonly string[];
}

/** How a format fits parts into characters, best parts first. */
export type Fit = (
  document: Renderable,
  ranked: readonly Part[],
  view: View,
  charsMax: number,
) => { content: string; shown: ReadonlySet<Part> };
