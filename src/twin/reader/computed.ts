import type { SearchInput } from '../../contract/documents.ts';
import { formatUri, type Section } from '../../contract/uris.ts';
import type { IndexRow, Subject } from '../ports.ts';
import { inertText } from '../render/text.ts';
import { type Answer, answerTo, type MemberFacts } from '../search/answers/index.ts';
import type { ReaderParts } from './parts.ts';
import type { ReadableSections } from './readable.ts';

const ITEM_CHARS = 240;
const TITLE_CHARS = 80;
/** Of the budget of a search, at most this share is for the computed answer. */
const SHARE_MAX = 0.8;
const CHARS_PER_TOKEN = 4;
/** Title, date and URI around the snippet. */
const FRAME_CHARS = 220;

/** A computed answer as a result says it; `uri` is the best document to read on. */
export interface Computed {
  readonly uri: string;
  readonly title: string;
  readonly date: string;
  readonly snippet: string;
  readonly sources: readonly string[];
}

/**
 * The answer to a question about one member, from what the caller may read of them: their
 * sections, in their variants, within the filters of the search. Never from anything wider.
 */
export function computedFor(
  { view, clock }: Pick<ReaderParts, 'view' | 'clock'>,
  member: string,
  readable: ReadableSections,
  input: SearchInput,
  budget: number,
): Computed | undefined {
  const subject: Subject = { kind: 'member', id: member };
  const today = new Date(clock.now()).toISOString().slice(0, 10);
  const facts = factsOf(view, subject, readable, input);
  const answer = answerTo(input.query, facts, today);
  if (answer === undefined) return undefined;
  const filtered = input.types !== undefined || input.since !== undefined;
  const uri = uriOf(view, subject, filtered ? new Map() : readable, answer);
  if (uri === undefined) return undefined;
  const room = Math.max(0, budget * CHARS_PER_TOKEN * SHARE_MAX - FRAME_CHARS);
  return {
    uri,
    title: inertText(answer.title, TITLE_CHARS),
    date: answer.date,
    snippet: snippetOf(answer.items, room),
    sources: answer.sources,
  };
}

function factsOf(
  view: ReaderParts['view'],
  subject: Subject,
  sections: ReadableSections,
  { types, since }: SearchInput,
): MemberFacts {
  const shard = view.for(view.partitionOf(subject));
  const asked = (row: IndexRow) => since === undefined || row.date >= since;
  return {
    sections: new Set(sections.keys()),
    facts: (wanted) => {
      const within = types === undefined ? wanted : wanted.filter((type) => types.includes(type));
      return within.length === 0 ? [] : shard.facts({ subject, sections }, within).filter(asked);
    },
    document: (section) => {
      // A whole document is wider than a filter by type or date.
      if (types !== undefined || since !== undefined) return undefined;
      return documentOf(view, subject, sections, section)?.data;
    },
  };
}

function documentOf(
  view: ReaderParts['view'],
  subject: Subject,
  sections: ReadableSections,
  section: Section,
) {
  const variant = sections.get(section);
  if (variant === undefined) return undefined;
  const uri = formatUri({ kind: 'section', member: subject.id, section });
  return view.for(view.partitionOf(subject)).document(uri, variant);
}

/** The source document of one fact, the section document of many; under a filter never that. */
function uriOf(
  view: ReaderParts['view'],
  subject: Subject,
  readable: ReadableSections,
  { whole, sources, section }: Answer,
): string | undefined {
  const [source] = sources;
  if (!whole && source !== undefined) return source;
  return documentOf(view, subject, readable, section)?.uri ?? source;
}

/** Items in their order as far as they fit; the first is cut rather than nothing said. */
function snippetOf(items: readonly string[], charsMax: number): string {
  const plain = items.map((item) => inertText(item, ITEM_CHARS));
  let text = '';
  for (const [index, item] of plain.entries()) {
    const left = plain.length - index;
    const next = text === '' ? item : `${text}; ${item}`;
    if (next.length + 20 > charsMax) {
      return text === '' ? item.slice(0, charsMax) : `${text}; … and ${left} more`;
    }
    text = next;
  }
  return text;
}
