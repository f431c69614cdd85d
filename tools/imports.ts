/** Checks who imports whom in `src`, and what only some rooms may say. */

import { posix } from 'node:path';
import { readFiles, type SourceFile } from './files.ts';
import { ROOMS, WORDS } from './rooms.ts';

const LINES_MAX = 400;
const SPECIFIER =
  /^\s*(?:import|export)\b[^'";]*?from\s*'([^']+)'|^\s*import\s*'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm;

export function checkImports(): string[] {
  const code = readFiles('src/**/*.ts');
  const rest = readFiles('{test,tools,examples,bench}/**/*.ts', 'bin/*.js');
  return [
    ...findWrongImports(code),
    ...findCycles(code),
    ...findWords(code),
    ...findLong([...code, ...rest]),
  ];
}

/** The room of a file in `src`: its folder, or the file itself where it stands at the top. */
export function roomOf(path: string): string {
  return path.split('/')[1] ?? path;
}

/** A test, or what only the tests of a room use; tsconfig.build.json leaves the same out. */
function isTest(path: string): boolean {
  return /\.(test|testing|rig)\.ts$|\/(test|rig)\//.test(path);
}

/** Modules that a file names, those of the project as paths from its root. */
export function importsOf(file: SourceFile): string[] {
  return [...withoutComments(file.text).matchAll(SPECIFIER)]
    .map((match) => match[1] ?? match[2] ?? match[3] ?? '')
    .map((name) => (name.startsWith('.') ? posix.join(posix.dirname(file.path), name) : name));
}

export function findWrongImports(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const from = roomOf(file.path);
    const room = ROOMS[from];
    if (room === undefined) return [`${file.path}: ${from} is no room of tools/rooms.ts`];
    return importsOf(file).flatMap((target) => {
      if (from === 'sdk' && !isTest(file.path) && target.startsWith('node:')) {
        return [`${file.path} imports ${target}: the SDK runs in a browser too`];
      }
      if (!target.startsWith('src/')) return [];
      const to = roomOf(target);
      if (to === from || room.may.includes(to)) return [];
      return [`${file.path} imports ${target}: ${from} may not know ${to}; ${room.why}`];
    });
  });
}

/** Import cycles, those of types alone included: neither file can be read without the other. */
export function findCycles(files: readonly SourceFile[]): string[] {
  const graph = new Map(files.map((file) => [file.path, importsOf(file)]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) cycles.push(`import cycle: ${[...trail.slice(at), path].join(' -> ')}`);
    if (at >= 0 || done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return cycles;
}

export function findWords(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => !isTest(file.path))
    .flatMap((file) =>
      WORDS.filter((word) => !word.only.includes(roomOf(file.path))).flatMap((word) => {
        const found = word.pattern.exec(withoutComments(file.text))?.[0];
        if (found === undefined) return [];
        return [`${file.path} says ${found}: only ${word.only.join(' and ')} may; ${word.why}`];
      }),
    );
}

function findLong(files: readonly SourceFile[]): string[] {
  return files
    .map((file) => ({ path: file.path, lines: file.text.split('\n').length - 1 }))
    .filter((file) => file.lines > LINES_MAX)
    .map((file) => `${file.path} has ${file.lines} lines: over ${LINES_MAX} nobody reads it whole`);
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
}
