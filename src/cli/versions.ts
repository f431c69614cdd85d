import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Libraries whose older versions had faults that this server relies on being mended: inputs without
 * end (GHSA-46jr-4wx8-v453, GHSA-mrhx-c7xc-m3w5). `package.json` pins newer ones; what is installed
 * beside a package may be another.
 */
const WANTED = {
  '@modelcontextprotocol/server': '2.3.0',
  zod: '4.6.7',
} as const;

export interface VersionFinding {
  readonly name: string;
  readonly installed: string | undefined;
  readonly wanted: string;
  readonly ok: boolean;
}

/** @param installedOf for tests */
export function versionFindings(
  installedOf: (name: string) => string | undefined = installedVersion,
): VersionFinding[] {
  return Object.entries(WANTED).map(([name, wanted]) => {
    const installed = installedOf(name);
    return { name, installed, wanted, ok: installed !== undefined && isAtLeast(installed, wanted) };
  });
}

/** Of the library that this program loads, whichever folder it comes from. */
function installedVersion(name: string): string | undefined {
  let folder = dirname(fileURLToPath(import.meta.resolve(name)));
  for (;;) {
    const file = join(folder, 'package.json');
    if (existsSync(file)) {
      const manifest = JSON.parse(readFileSync(file, 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (manifest.name === name) return manifest.version;
    }
    if (dirname(folder) === folder) return undefined;
    folder = dirname(folder);
  }
}

function isAtLeast(version: string, wanted: string): boolean {
  const numbers = (text: string): number[] => (text.split('-')[0] ?? '').split('.').map(Number);
  const [have, want] = [numbers(version), numbers(wanted)];
  const differs = want.findIndex((part, index) => part !== have[index]);
  return differs === -1 || (have[differs] ?? 0) > (want[differs] ?? 0);
}
