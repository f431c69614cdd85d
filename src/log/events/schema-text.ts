const BLOCK_COMMENT = /\/\*[\s\S]*?\*\//g;
const LINE_COMMENT = /\/\/.*$/gm;
const STRING = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g;

/**
 * Whole names of the messages of a `.proto` text by their index: what a frame's index means. It
 * reads no more than that, so that a schema of anybody's can be named without a compiler.
 */
export function messageNames(text: string): string[] {
  const plain = text
    .replaceAll(STRING, '""')
    .replaceAll(BLOCK_COMMENT, ' ')
    .replaceAll(LINE_COMMENT, ' ');
  const pack = /\bpackage\s+([\w.]+)\s*;/.exec(plain)?.[1];
  const names: string[] = [];
  let depth = 0;
  for (const [token, name] of plain.matchAll(/\bmessage\s+(\w+)\s*\{|[{}]/g)) {
    if (token === '}') depth -= 1;
    else {
      if (name !== undefined && depth === 0)
        names.push(pack === undefined ? name : `${pack}.${name}`);
      depth += 1;
    }
  }
  return names;
}
