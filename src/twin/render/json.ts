import type { Json, JsonObject } from '../../kernel/json.ts';
import type { Renderable } from './fit.ts';
import { shownIn, type View } from './line.ts';
import type { Part } from './parts.ts';
import { DATA_NOTICE, inertJson, plainText } from './text.ts';

const TITLE_CHARS_MAX = 80;
/** `"block":[],` around the first part of a block, at most, beside the name itself. */
const BLOCK_CHARS = 6;

/** JSON: the document's own structure, holding the parts that fit. */
export function fitJson(
  document: Renderable,
  ranked: readonly Part[],
  view: View,
  charsMax: number,
): { content: string; shown: ReadonlySet<Part> } {
  const head = headOf(document, charsMax);
  const chosen: Part[] = [];
  const blocks = new Set<string>();
  let used = inertJson({ ...head, data: {} }).length;
  for (const part of ranked) {
    const { block, key, value } = part;
    const around = blocks.has(block) ? 0 : inertJson(block).length + BLOCK_CHARS;
    const name = key === undefined ? 0 : inertJson(key).length + 1;
    const cost = around + name + inertJson(shownIn(view, value)).length + 1;
    if (used + cost > charsMax) continue;
    used += cost;
    chosen.push(part);
    blocks.add(block);
  }
  const content = inertJson({ ...head, data: dataOf(chosen, document.data as JsonObject, view) });
  return { content, shown: new Set(chosen) };
}

/** Members of the head as far as they fit into half of the budget. */
function headOf({ title, uri, asOf, notices }: Renderable, charsMax: number): JsonObject {
  const wanted: [string, Json][] = [
    ['title', plainText(title, TITLE_CHARS_MAX)],
    ['uri', uri],
    ...(asOf === undefined ? [] : [['asOf', asOf] satisfies [string, Json]]),
    ['notices', [...notices]],
  ];
  let head: JsonObject = { about: DATA_NOTICE };
  for (const [key, value] of wanted) {
    const longer = { ...head, [key]: value };
    if (inertJson(longer).length <= charsMax / 2) head = longer;
  }
  return head;
}

/** Lists stay lists, objects stay objects, single facts stay single. */
function dataOf(chosen: readonly Part[], data: JsonObject, view: View): JsonObject {
  const blocks = Map.groupBy(chosen, ({ block }) => block);
  return Object.fromEntries(
    [...blocks].map(([block, parts]): [string, Json] => {
      const values = parts.map(({ value }) => shownIn(view, value));
      if (Array.isArray(data[block])) return [block, data[block].length === 0 ? [] : values];
      const [first] = parts;
      if (first?.key === undefined) return [block, values[0] ?? null];
      const members = parts.map(({ key, value }) => [key ?? '', shownIn(view, value)] as const);
      return [block, Object.fromEntries(members)];
    }),
  );
}
