/** JSON Schema (2020-12) of the gateway's own protocol: `npm run schemas:frames` writes it. */

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { frameSchemas } from '../src/contract/frames-schema.ts';
import { ROOT } from './files.ts';

export const FRAMES = join(ROOT, 'schemas/realtime/frames.schema.json');

if (process.argv[1] === import.meta.filename) {
  writeFileSync(FRAMES, `${JSON.stringify(frameSchemas(), undefined, 2)}\n`);
  spawnSync('biome', ['check', '--write', FRAMES], { stdio: 'inherit' });
}
