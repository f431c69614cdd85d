import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { ConfigInput } from './collect.ts';
import type { SettingName } from './settings.ts';

/** The process's own surroundings. The only place that reads the environment. */
export function configInput(args: Readonly<Partial<Record<SettingName, string>>>): ConfigInput {
  return {
    env: process.env,
    args,
    platform: process.platform,
    home: homedir(),
    cwd: process.cwd(),
    checkout: checkoutRoot(),
    readFile: (path) => readFileSync(path, 'utf8'),
  };
}

/** The environment for a process that this one starts: its own, with settings in their place. */
export function environmentWith(
  settings: Readonly<Partial<Record<SettingName, string>>>,
): Record<string, string | undefined> {
  return { ...process.env, ...settings };
}

/** The package holds JavaScript only, so that TypeScript sources mean a checkout. */
function checkoutRoot(): string | undefined {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  return import.meta.url.endsWith('.ts') && existsSync(`${root}/package.json`) ? root : undefined;
}
