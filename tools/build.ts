/** Compiles `src` into `dist`, what the package runs: JavaScript, declarations, and data files. */

import { spawnSync } from 'node:child_process';
import { cpSync, globSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

rmSync(dist, { recursive: true, force: true });
const tsc = join(root, 'node_modules', '.bin', 'tsc');
const { status } = spawnSync(tsc, ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
if (status === 0) copyData();
process.exitCode = status ?? 1;

/** What is read at run time from beside its module, such as lists of codes; generated code. */
function copyData(): void {
  for (const file of globSync('src/**/*{.json,.html,.css,.sql,_pb.js,_pb.d.ts}', { cwd: root })) {
    cpSync(join(root, file), join(dist, relative('src', file)));
  }
}
