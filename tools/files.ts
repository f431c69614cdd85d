/** The project's own files, as the gates read them. */

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..');

export interface SourceFile {
  /** From the project's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** Generated code is nobody's to shorten or to order. */
const GENERATED = /_pb\.(js|d\.ts)$/;

export function readFiles(...patterns: readonly string[]): SourceFile[] {
  return findPaths(...patterns)
    .filter((path) => !GENERATED.test(path))
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

export function findPaths(...patterns: readonly string[]): string[] {
  const exclude = (path: string): boolean => path.split('/').includes('node_modules');
  return globSync([...patterns], { cwd: ROOT, exclude })
    .map((path) => path.replaceAll('\\', '/'))
    .toSorted();
}
