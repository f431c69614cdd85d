import { definitionLines, type SchemaBlock, schemaBlocks } from './schema-text.ts';

/** One difference between what SpiceDB has and what this version needs. */
export interface SchemaDifference {
  /** `use expiration`, `definition member`, `definition member: relation self` */
  readonly where: string;
  /** Absent: SpiceDB has nothing there. */
  readonly has?: string;
  /** Absent: this version has nothing there. */
  readonly needs?: string;
}

/** Differences within our definitions; those of others are not looked at. */
export function compareSchemas(present: string, ours: string): SchemaDifference[] {
  const there = keyed(schemaBlocks(present));
  return schemaBlocks(ours).flatMap((block) => differences(there.get(keyOf(block)), block));
}

function differences(present: SchemaBlock | undefined, needed: SchemaBlock): SchemaDifference[] {
  const where = keyOf(needed);
  if (present === undefined) return [{ where, needs: where }];
  const [has, needs] = [definitionLines(present.body), definitionLines(needed.body)];
  const names = [...new Set([...needs.keys(), ...has.keys()])];
  return names
    .filter((name) => has.get(name) !== needs.get(name))
    .map((name) => ({
      where: `${where}: ${name}`,
      ...said('has', has.get(name)),
      ...said('needs', needs.get(name)),
    }));
}

function said(word: 'has' | 'needs', text: string | undefined): Partial<SchemaDifference> {
  return text === undefined ? {} : { [word]: text };
}

/** Our definitions in place of those of their names; everything else stays, word for word. */
export function mergeSchemas(present: string, ours: string): string {
  const [there, own] = [schemaBlocks(present), schemaBlocks(ours)];
  const replaced = keyed(own);
  const kept = there.filter((block) => !replaced.has(keyOf(block)));
  const [uses, blocks] = split([...kept, ...own]);
  return `${[...uses, ...blocks].map((block) => block.text).join('\n\n')}\n`;
}

/** `use` comes before all else, or SpiceDB refuses it. */
function split(blocks: readonly SchemaBlock[]): [SchemaBlock[], SchemaBlock[]] {
  const isUse = ({ keyword }: SchemaBlock): boolean => keyword === 'use';
  return [blocks.filter(isUse), blocks.filter((block) => !isUse(block))];
}

function keyed(blocks: readonly SchemaBlock[]): Map<string, SchemaBlock> {
  return new Map(blocks.map((block) => [keyOf(block), block]));
}

function keyOf({ keyword, name }: SchemaBlock): string {
  return `${keyword} ${name}`;
}
