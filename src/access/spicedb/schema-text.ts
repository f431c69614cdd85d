/**
 * SpiceDB's schema language, as far as two schemas are compared and merged: which blocks there are
 * (`use`, `definition`, `caveat`, `partial`), and which lines a definition has. Comments and blanks
 * make no difference.
 */

/** A top-level block, with the comments that stand before it. */
export interface SchemaBlock {
  /** First word: `use`, `definition`, `caveat`, … */
  readonly keyword: string;
  readonly name: string;
  readonly text: string;
  /** What stands between the braces, without comments; of `use` nothing. */
  readonly body: string;
}

const HEAD = /^(\w+)\s+([\w/]+)/;

/** @throws when the text ends within a block. */
export function schemaBlocks(schema: string): SchemaBlock[] {
  const blocks: SchemaBlock[] = [];
  let from = 0;
  while (schema.slice(from).trim() !== '') {
    const end = blockEnd(schema, from);
    const text = schema.slice(from, end).trim();
    const bare = withoutComments(text).trim();
    const [, keyword = '', name = ''] = HEAD.exec(bare) ?? [];
    if (keyword !== '') {
      const opened = bare.indexOf('{');
      const body = opened < 0 ? '' : bare.slice(opened + 1, bare.lastIndexOf('}'));
      blocks.push({ keyword, name, text, body });
    }
    from = end;
  }
  return blocks;
}

/** Comments, and strings of caveats, which may hold braces. */
const TOKEN =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[{}]|\buse\s+\w+/g;

function blockEnd(schema: string, from: number): number {
  TOKEN.lastIndex = from;
  let depth = 0;
  for (let token = TOKEN.exec(schema); token !== null; token = TOKEN.exec(schema)) {
    const [text] = token;
    if (text.startsWith('use') && depth === 0) return TOKEN.lastIndex;
    if (text === '{') depth++;
    if (text === '}' && --depth === 0) return TOKEN.lastIndex;
  }
  if (depth > 0) throw new Error('the schema ends within a definition');
  return schema.length;
}

function withoutComments(text: string): string {
  return text.replaceAll(
    /(\/\*[\s\S]*?\*\/|\/\/[^\n]*)|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')/g,
    (_whole, _comment: string, quoted: string | undefined) => quoted ?? ' ',
  );
}

/**
 * The lines of a definition: `relation self` to `user | user with expiration`, `permission view` to
 * its expression, in one spelling.
 */
export function definitionLines(body: string): Map<string, string> {
  const lines = new Map<string, string>();
  const parts = body.split(/(?=\b(?:relation|permission)\s+\w+\s*[:=])/);
  for (const part of parts) {
    const match = /^(relation|permission)\s+(\w+)\s*[:=]([\s\S]*)$/.exec(part.trim());
    if (match === null) continue;
    const [, kind = '', name = '', says = ''] = match;
    lines.set(`${kind} ${name}`, oneSpelling(kind, says));
  }
  return lines;
}

/** Blanks once, no parentheses around the whole; the order of a relation's types means nothing. */
function oneSpelling(kind: string, says: string): string {
  const text = says.replaceAll(/\s+/g, ' ').trim();
  if (kind === 'permission') return /^\([^()]*\)$/.test(text) ? text.slice(1, -1) : text;
  return text
    .split('|')
    .map((type) => type.trim())
    .sort()
    .join(' | ');
}

/** Our schema with `prefix/` before each of its types, where it names a type. */
export function withPrefix(schema: string, prefix: string | undefined): string {
  if (prefix === undefined) return schema;
  const relations = schema.replaceAll(
    /^( {2}relation \w+: )(.+)$/gm,
    (_line, head: string, types: string) =>
      head + types.replaceAll(/(^|\| )(\w+)/g, `$1${prefix}/$2`),
  );
  return relations.replaceAll(/^definition (\w+)/gm, `definition ${prefix}/$1`);
}
