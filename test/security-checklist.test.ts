import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type CliIo, runCli } from '../src/cli/index.ts';

/** The documents on security name files and tests: both are there, and no line of a list is left out. */
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(`${ROOT}${path}`, 'utf8');

/** `| A1 | what | `file` | words of the test's name |` */
const LINE = /^\| ([A-Z]\d+) \| [^|]+ \| `([^`]+)` \| ([^|]+) \|$/gm;
const LISTS = { A: 14, T: 16, S: 7, M: 8, F: 16 };

interface Line {
  readonly id: string;
  readonly file: string;
  readonly words: string;
}

const lines = [...read('docs/security-checklist.md').matchAll(LINE)].map(
  ([, id = '', file = '', words = '']): Line => ({ id, file, words }),
);

test('each line of the checklist is there, once, in order', () => {
  const wanted = Object.entries(LISTS).flatMap(([list, count]) =>
    Array.from({ length: count }, (_, n) => `${list}${n + 1}`),
  );
  assert.deepEqual(
    lines.map(({ id }) => id),
    wanted,
  );
});

for (const { id, file, words } of lines) {
  test(`${id} is proven by a test that is there`, () => {
    assert.match(file, /\.test\.ts$/);
    assert.ok(existsSync(`${ROOT}${file}`), `${file} is not there`);
    assert.ok(read(file).includes(words), `no test in ${file} says: ${words}`);
  });
}

/** `    digital-twin audit verify --json` of a page; words in capitals stand for what is named. */
function commandsOf(page: string): { readonly words: string[]; readonly options: string[] }[] {
  return [...read(page).matchAll(/^ {4}digital-twin (.+)$/gm)].map(([, line = '']) => {
    const parts = line.split(' ');
    return {
      words: parts.filter((part) => /^[a-z][a-z-]*$/.test(part)),
      options: parts.filter((part) => part.startsWith('--')),
    };
  });
}

test('each command that the page on incidents gives is there, with its options', async () => {
  const commands = commandsOf('docs/security-incidents.md');
  assert.ok(commands.length > 15, `${commands.length} commands`);
  for (const { words, options } of commands) {
    const { exit, out } = await helpOf(words);
    assert.equal(exit, 0, words.join(' '));
    assert.match(out, new RegExp(`Usage: digital-twin ${words.join(' ')}\\b`));
    for (const option of options) assert.ok(out.includes(option), `${words.join(' ')} ${option}`);
  }
});

async function helpOf(words: readonly string[]): Promise<{ exit: number; out: string }> {
  let out = '';
  const write = (text: string): boolean => {
    out += text;
    return true;
  };
  const io = { version: '0', stdout: { write }, stderr: { write } } as unknown as CliIo;
  return { exit: await runCli([...words, '--help'], io), out };
}
