import { type Ran, run } from './run.ts';
import { LAUNCHER, type TestServer } from './server.ts';

/** MCP Inspector's command line. */
const INSPECTOR = new URL('../../node_modules/.bin/mcp-inspector', import.meta.url).pathname;

export const ERAS = ['modern', 'legacy'] as const;
export type Era = (typeof ERAS)[number];

export const COVERAGE = 'mcp://twins/member/demo-ana/coverage';
export const METHODS = {
  list: ['--method', 'resources/list'],
  read: ['--method', 'resources/read', '--uri', COVERAGE],
  search: [...calling('search'), 'query=A1c'],
  readDocument: [...calling('readDocument'), `uri=${COVERAGE}`],
} as const;

function calling(tool: string): string[] {
  return ['--method', 'tools/call', '--tool-name', tool, '--tool-arg'];
}

export type Inspect = (method: keyof typeof METHODS, ...more: string[]) => Promise<Ran>;

export function inspectOverHttp({ url }: TestServer, era: Era, token: string): Inspect {
  const target = ['--server-url', `${url}/mcp`, '--transport', 'http', '--protocol-era', era];
  const header = ['--header', `Authorization: Bearer ${token}`, '--stored-auth-only'];
  return (method, ...more) => inspect([...target, ...header, ...METHODS[method], ...more]);
}

/** @param who `--as` or `--token`, and its value */
export function inspectOverStdio({ dataDir }: TestServer, era: Era, ...who: string[]): Inspect {
  const bridge = [process.execPath, LAUNCHER, 'stdio', ...who, '--data-dir', dataDir];
  return (method, ...more) =>
    inspect(['--protocol-era', era, ...METHODS[method], ...more, '--', ...bridge]);
}

const inspect = (args: string[]) => run(INSPECTOR, ['--cli', '--format', 'json', '-q', ...args]);
