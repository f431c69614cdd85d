/** Writes `resources/demo`: the same bytes on every run. `npm run demo:members`. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { demoAna, updateAna } from './demo/ana.ts';
import { directory } from './demo/directory.ts';
import { demoDov } from './demo/dov.ts';
import { demoBen, demoCleo } from './demo/family.ts';
import { bundle } from './demo/fhir.ts';
import { ROOT } from './files.ts';

export const DEMO_FOLDER = 'resources/demo';

/** File name to content; the directory is imported before the members. */
export function demoFiles(): ReadonlyMap<string, string> {
  const files = {
    'directory.json': directory(),
    'demo-ana.json': demoAna(),
    'demo-ben.json': demoBen(),
    'demo-cleo.json': demoCleo(),
    'demo-dov.json': demoDov(),
    'update-ana.json': updateAna(),
  };
  return new Map(
    Object.entries(files).map(([name, resources]) => [
      name,
      `${JSON.stringify(bundle(resources), null, 2)}\n`,
    ]),
  );
}

if (import.meta.main) {
  mkdirSync(join(ROOT, DEMO_FOLDER), { recursive: true });
  for (const [name, text] of demoFiles()) writeFileSync(join(ROOT, DEMO_FOLDER, name), text);
}
