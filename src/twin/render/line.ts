import { isObject, type Json, type JsonObject } from '../../kernel/json.ts';
import type { Part } from './parts.ts';
import { markdownText } from './text.ts';

export type View = 'card' | 'summary' | 'detail';

/** How much of one text is shown, characters. */
const TEXT_CHARS_MAX: Readonly<Record<View, number>> = { card: 80, summary: 240, detail: 2_000 };
/** How deep an element is told; resources nest deeper only in what people do not read. */
const DEPTH_MAX = 8;

const CARD_KEYS = new Set(['title', 'value', 'status', 'date', 'payer', 'trend', 'says']);
/** What a summary leaves to the detail view. */
const DETAIL_KEYS = new Set(['codes', 'source', 'asOf', 'uri']);

/** What a view shows of a value: of each fact in it, the members that belong to the view. */
export function shownIn(view: View, value: Json): Json {
  if (view === 'detail') return value;
  if (Array.isArray(value)) return value.map((one) => shownIn(view, one));
  if (!isObject(value)) return value;
  const fact = typeof value.title === 'string';
  const keep = (key: string) =>
    !fact || (view === 'card' ? CARD_KEYS.has(key) : !DETAIL_KEYS.has(key));
  return Object.fromEntries(
    Object.entries(value as JsonObject).flatMap(([key, member]) =>
      keep(key) ? [[key, shownIn(view, member)]] : [],
    ),
  );
}

/** One part as one line of Markdown. */
export function lineOf({ key, value }: Part, view: View): string {
  const empty = Array.isArray(value) && value.length === 0;
  const text = empty ? 'none recorded' : textOf(shownIn(view, value), view, 0);
  return key === undefined ? `- ${text}` : `- ${label(key)}: ${text}`;
}

/** `relatedPersons` as `related persons`. */
export function label(key: string): string {
  const words = key.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
  return markdownText(words, 80);
}

function textOf(value: Json, view: View, depth: number): string {
  if (typeof value === 'string') return stringText(value, view);
  if (value === null) return 'not given';
  if (typeof value !== 'object') return String(value);
  if (depth > DEPTH_MAX) return '…';
  if (Array.isArray(value)) {
    const separator = value.some(isObject) ? ' | ' : ', ';
    return value.map((one) => textOf(one, view, depth + 1)).join(separator);
  }
  return objectText(value, view, depth);
}

/** Elements that name what an object is about, the first that it has. */
const HEADS = ['title', 'about', 'name', 'year', 'what', 'when'] as const;

/** `**head**: value (status, date); other: …`, as far as there are such members. */
function objectText(object: JsonObject, view: View, depth: number): string {
  const headKey = HEADS.find((key) => typeof object[key] === 'string');
  const { value, status, date, ...rest } = object;
  const member = (one: Json) => textOf(one, view, depth + 1);
  const when = [status, date].filter((one) => typeof one === 'string').map(member);
  const others = Object.entries(rest).flatMap(([key, one]) => {
    if (key === headKey) return [];
    return [isObject(one) ? `${label(key)}: (${member(one)})` : `${label(key)}: ${member(one)}`];
  });
  const head = headKey === undefined ? undefined : object[headKey];
  const name = typeof head === 'string' ? `**${stringText(head, view)}**` : '';
  const said = value === undefined ? '' : member(value);
  const first = name === '' || said === '' ? name + said : `${name}: ${said}`;
  const dated = when.length === 0 ? first : `${first} (${when.join(', ')})`.trim();
  const separator = depth === 0 ? '; ' : ', ';
  return [dated, ...others].filter((part) => part !== '').join(separator);
}

function stringText(text: string, view: View): string {
  // Our own URIs are written as they are: a model reads on by them.
  if (/^mcp:\/\/[a-z]+\/[A-Za-z0-9/-]+$/.test(text)) return text;
  if (/^[A-Za-z0-9+/]{120,}={0,2}$/.test(text)) return `(${text.length} characters of base64)`;
  return markdownText(text, TEXT_CHARS_MAX[view]);
}
