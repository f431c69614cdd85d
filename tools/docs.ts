/** Checks what the documents say of the project: paths, links, commands and counts. */

import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { ERRORS } from '../src/contract/errors.ts';
import { PROMISES } from '../test/promises.ts';
import { findPaths, ROOT, readFiles, type SourceFile } from './files.ts';
import { ROOMS } from './rooms.ts';

export interface Facts {
  exists(path: string): boolean;
  readonly scripts: ReadonlySet<string>;
  /** What `<!-- count: NAME -->N` may count. */
  readonly counts: Readonly<Record<string, number>>;
  /** What `<!-- measured: FILE | ROW -->N` says: a row of `bench/results/FILE.json`. */
  measured(file: string, row: string): number | undefined;
}

/** In backticks, whatever starts like a folder of ours is a path, but for the methods of MCP. */
const METHOD = 'resources/(?:list|read|updated|subscribe|unsubscribe|templates)\\b';
const PATH = new RegExp(
  `\`(?!${METHOD})((?:src|test|tools|docs|schemas|resources|examples|bench|bin|deploy|\\.ci)/[^\`\\s]*)\``,
  'g',
);
const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g;
const SCRIPT = /\bnpm run ([\w:-]+)/g;
const COUNT = /<!-- count: ([\w -]+?) -->\s*\**([\d,]+)/g;
const MEASURED = /<!-- measured: ([\w-]+) \| ([^<>]+?) -->\s*\**([\d,]+(?:\.\d+)?)/g;
const OUTSIDE = /^[a-z][a-z+.-]*:/;

export function checkDocs(): string[] {
  const facts: Facts = { exists, scripts: scripts(), counts: counts(), measured };
  const documents = readFiles(
    '*.md',
    'docs/**/*.md',
    'examples/**/*.md',
    'bench/**/*.md',
    'deploy/*.md',
  );
  return documents.flatMap((document) => findStale(document, facts));
}

export function findStale(document: SourceFile, facts: Facts): string[] {
  const says = (what: string): string => `${document.path}: ${what}`;
  return [
    ...all(document, PATH)
      .map(([path = '']) => path.replace(/:\d+(-\d+)?$/, ''))
      .filter((path) => !path.includes('<') && !facts.exists(path))
      .map((path) => says(`the path ${path} does not exist`)),
    ...all(document, LINK)
      .map(([link = '']) => link.replace(/#.*$/, ''))
      .filter((link) => link !== '' && !OUTSIDE.test(link))
      .filter((link) => !facts.exists(posix.join(posix.dirname(document.path), link)))
      .map((link) => says(`the link ${link} leads nowhere`)),
    ...all(document, SCRIPT)
      .filter(([name = '']) => !facts.scripts.has(name))
      .map(([name]) => says(`there is no script "npm run ${name}"`)),
    ...all(document, COUNT).flatMap(([name = '', said = '']) => {
      const is = facts.counts[name];
      if (is === undefined) return [says(`nobody counts "${name}"`)];
      return is === Number(said.replaceAll(',', '')) ? [] : [says(`${name}: ${said}, but ${is}`)];
    }),
    ...all(document, MEASURED).flatMap(([file = '', row = '', said = '']) => {
      const is = facts.measured(file, row);
      if (is === undefined) return [says(`bench/results/${file}.json has no row "${row}"`)];
      const digits = said.split('.')[1]?.length ?? 0;
      const rounded = is.toFixed(digits);
      return rounded === said.replaceAll(',', '') ? [] : [says(`${row}: ${said}, but ${rounded}`)];
    }),
  ];
}

function all(document: SourceFile, pattern: RegExp): string[][] {
  return [...document.text.matchAll(pattern)].map((match) => match.slice(1));
}

function exists(path: string): boolean {
  if (/[*{]/.test(path)) return findPaths(path).length > 0;
  return existsSync(join(ROOT, path));
}

function scripts(): Set<string> {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  return new Set(Object.keys(manifest.scripts));
}

interface Results {
  readonly rows: readonly { readonly what: string; readonly value: number }[];
}

function measured(file: string, row: string): number | undefined {
  const path = join(ROOT, 'bench/results', `${file}.json`);
  if (!existsSync(path)) return undefined;
  const { rows } = JSON.parse(readFileSync(path, 'utf8')) as Results;
  return rows.find(({ what }) => what === row)?.value;
}

function counts(): Record<string, number> {
  return {
    rooms: Object.keys(ROOMS).filter((room) => !room.endsWith('.ts')).length,
    promises: PROMISES.length,
    'error codes': Object.keys(ERRORS).length,
    'demo members': findPaths('resources/demo/demo-*.json').length,
  };
}
