import type { Renderable } from './fit.ts';
import { label, lineOf, type View } from './line.ts';
import type { Part } from './parts.ts';
import { DATA_NOTICE, markdownText } from './text.ts';

const TITLE_CHARS_MAX = 80;
/** Room for the line that says what was left out. */
const TAIL_CHARS = 120;

/** Markdown: a heading a block, a line a part; blocks in the order of their best part. */
export function fitMarkdown(
  document: Renderable,
  ranked: readonly Part[],
  view: View,
  charsMax: number,
): { content: string; shown: ReadonlySet<Part> } {
  const head = headOf(document, charsMax);
  const lines = new Map(ranked.map((part) => [part, lineOf(part, view)]));
  const whole = choose(ranked, lines, charsMax - head.length);
  if (whole.shown.size === ranked.length) {
    return { content: head + bodyOf(whole.shown, lines), shown: whole.shown };
  }
  const { shown, cut } = choose(ranked, lines, charsMax - head.length - TAIL_CHARS);
  const tail = `\nLeft out for the budget: ${ranked.length - shown.size} of ${ranked.length} parts; ask with focus or a larger budget.\n`;
  return { content: `${head}${bodyOf(shown, lines)}${cut}${tail}`, shown };
}

/** Lines of the head as far as they fit; that records are data is always said. */
function headOf({ title, uri, asOf, notices }: Renderable, charsMax: number): string {
  const wanted = [
    `# ${markdownText(title, TITLE_CHARS_MAX)}`,
    `${uri}${asOf === undefined ? '' : `, as of ${markdownText(asOf, 40)}`}`,
    ...notices.map((notice) => `Note: ${markdownText(notice, 400)}`),
  ];
  const last = `${DATA_NOTICE}\n`;
  let head = '';
  for (const line of wanted) {
    // Half of the budget belongs to the data.
    if (head.length + line.length + 1 + last.length <= charsMax / 2) head += `${line}\n`;
  }
  return head + last;
}

/** Parts in rank order as far as they fit; the first is cut rather than nothing shown. */
function choose(
  ranked: readonly Part[],
  lines: ReadonlyMap<Part, string>,
  charsMax: number,
): { shown: ReadonlySet<Part>; cut: string } {
  const shown = new Set<Part>();
  const blocks = new Set<string>();
  let used = 0;
  for (const part of ranked) {
    const heading = blocks.has(part.block) ? 0 : headingOf(part.block).length;
    const cost = heading + (lines.get(part)?.length ?? 0) + 1;
    if (used + cost > charsMax) continue;
    used += cost;
    shown.add(part);
    blocks.add(part.block);
  }
  const [first] = ranked;
  if (shown.size > 0 || first === undefined) return { shown, cut: '' };
  const line = headingOf(first.block) + (lines.get(first) ?? '');
  return { shown, cut: charsMax > 2 ? `${line.slice(0, charsMax - 2)}…\n` : '' };
}

function bodyOf(shown: ReadonlySet<Part>, lines: ReadonlyMap<Part, string>): string {
  const blocks = Map.groupBy(shown, ({ block }) => block);
  return [...blocks]
    .map(([block, parts]) => {
      const own = parts.map((part) => `${lines.get(part) ?? ''}\n`);
      return headingOf(block) + own.join('');
    })
    .join('');
}

function headingOf(block: string): string {
  return `\n## ${label(block)}\n`;
}
