/** The rooms of `src` and who may know whom, with the reason: docs/architecture.md as data. */

export interface Room {
  /** The rooms it may import, besides itself. */
  readonly may: readonly string[];
  readonly why: string;
}

const part = (why: string): Room => ({ may: ['contract', 'kernel', 'twin'], why });

const SEPARATE =
  'what one part needs of another arrives as an argument, typed by twin/ports.ts: so each is ' +
  'tested alone, and the embedded and the real ones stand behind the same port';

/** What a server is made of: all but the command and the SDK. */
const PARTS = [
  'contract',
  'kernel',
  'config',
  'twin',
  'access',
  'log',
  'view',
  'operations',
  'http',
  'mcp',
  'chat',
  'eligibility',
  'sessions',
  'gateway',
  'warming',
];

export const ROOMS: Readonly<Record<string, Room>> = {
  contract: {
    may: [],
    why: 'contract holds the words shared with clients: it knows nothing of us',
  },
  kernel: {
    may: ['contract'],
    why: 'everything stands on kernel, so it may stand on nothing else',
  },
  config: { may: ['contract', 'kernel'], why: 'settings are read before any part exists' },
  twin: {
    may: ['contract', 'kernel'],
    why: 'the domain does no I/O: it names what it needs in twin/ports.ts',
  },
  access: part(SEPARATE),
  log: part(SEPARATE),
  view: part(SEPARATE),
  operations: part(SEPARATE),
  http: part(SEPARATE),
  mcp: part(`${SEPARATE}; surfaces meet only through the change bus and the reader`),
  chat: part(SEPARATE),
  eligibility: part(`${SEPARATE}; eligibility appends records and never writes documents`),
  sessions: part(`${SEPARATE}; sessions append records and never write documents`),
  gateway: part(`${SEPARATE}; surfaces meet only through the change bus and the reader`),
  warming: part(SEPARATE),
  sdk: {
    may: ['contract'],
    why: 'the SDK runs in a browser: it knows the contract, not the server',
  },
  cli: {
    may: ['sdk', 'contract', 'config'],
    why: 'the command is a client like any other: nothing goes round the reader',
  },
  wiring: {
    may: PARTS,
    why: 'wiring puts parts together for app.ts and main.ts, which alone know it',
  },
  'app.ts': {
    may: ['wiring', ...PARTS],
    why: 'app.ts wires the parts of the server; the command and the SDK are clients of it',
  },
  'main.ts': {
    may: ['app.ts', 'wiring', 'cli', 'config', 'contract', 'kernel', 'operations'],
    why: 'main.ts starts the command or the server; the wiring stands in app.ts',
  },
};

/** What only some rooms may say, wherever it stands in `src`. */
export const WORDS: readonly {
  readonly pattern: RegExp;
  readonly only: readonly string[];
  readonly why: string;
}[] = [
  {
    pattern: /\bconsole\s*\.|\bprocess\.stdout\b/,
    only: ['cli', 'main.ts'],
    why: 'on stdio only MCP may stand on stdout, and logs are redacted by operations alone',
  },
  {
    pattern: /\bprocess\.env\b/,
    only: ['config'],
    why: 'the environment is read once, checked, and frozen by config',
  },
  {
    pattern: /\bprocess\.(exit|abort|reallyExit)\b\s*\(/,
    only: ['main.ts'],
    why: 'whoever ends the process elsewhere skips what must be written before the end',
  },
];
