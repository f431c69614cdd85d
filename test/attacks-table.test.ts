import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { ATTACKS, type Attack } from './attacks.ts';
import { testNames } from './support/test-names.ts';

/** Files whose tests name attacks by their numbers. */
const FILES =
  /^(?:attacks-|authorization-server\.|canaries|hostile-text|kafka-clients|peers-|protocol-rates|rates|session-resume).*\.test\.ts$/;

const named = new Map<number, string[]>();
let tests = 0;

before(async () => {
  for (const file of readdirSync(import.meta.dirname).sort()) {
    if (!FILES.test(file) || file === 'attacks-table.test.ts') continue;
    for (const name of await testNames(join(import.meta.dirname, file))) {
      const numbers = numbersIn(name);
      if (numbers.length > 0) tests += 1;
      for (const number of numbers) named.set(number, [...(named.get(number) ?? []), name]);
    }
  }
});

/** `B-FM-6: 24, 72: headers` names 24 and 72; `43–60: a listen` names all from 43 to 60. */
function numbersIn(name: string): number[] {
  const list = /(?:^|: )(\d+(?:–\d+)?(?:, \d+(?:–\d+)?)*): /.exec(name)?.[1] ?? '';
  return list.split(', ').flatMap((part) => {
    const [from = 0, to = from] = part.split('–').map(Number);
    return part === '' ? [] : Array.from({ length: to - from + 1 }, (_, n) => from + n);
  });
}

test('the names of tests are read as the files make them', () => {
  assert.deepEqual(numbersIn('B-FM-6: 24, 72: headers without end'), [24, 72]);
  assert.deepEqual(numbersIn('B-MC-3, B-FM-6: 43–45: a listen'), [43, 44, 45]);
  assert.deepEqual(numbersIn('T9: a read of 2026 without a token is 401'), []);
  assert.deepEqual(numbersIn('P10: one URI more'), []);
});

test('the table has each number of the list that it is about, in order', () => {
  const asked = [[1, 120]] as const;
  const wanted = asked.flatMap(([from, to]) =>
    Array.from({ length: to - from + 1 }, (_, n) => from + n),
  );
  assert.deepEqual(
    ATTACKS.map(({ n }) => n),
    wanted,
  );
});

/** What is missing of an attack; `undefined` where it is tried in every way that it has. */
function missing({ n, stdio }: Attack): string | undefined {
  const names = named.get(n) ?? [];
  const overStdio = names.some((name) => name.includes('over stdio'));
  const overHttp = names.some((name) => !name.includes('over stdio') || name.includes('over HTTP'));
  if (!overHttp) return 'no test over HTTP names it';
  return stdio && !overStdio ? 'no test over stdio names it' : undefined;
}

for (const attack of ATTACKS.filter(({ waitsFor }) => waitsFor === undefined)) {
  const ways = attack.stdio ? ' over HTTP and over stdio' : '';
  test(`attack ${attack.n}, ${attack.says}, is tried${ways}`, () => {
    assert.equal(missing(attack), undefined);
  });
}

test('how many attacks and tests there are is told, what is missing, and what waits', () => {
  const waiting = ATTACKS.filter(({ waitsFor }) => waitsFor !== undefined);
  const tried = ATTACKS.filter(({ waitsFor }) => waitsFor === undefined);
  const misses = tried.filter((attack) => missing(attack) !== undefined);
  const overStdio = tried.filter(({ stdio }) => stdio).length;
  console.log(
    `# ${tried.length - misses.length} of ${ATTACKS.length} attacks tried, ${overStdio} over stdio too, in ${tests} tests`,
  );
  console.log(`# misses: ${misses.map(({ n }) => n).join(', ') || 'none'}`);
  for (const { n, says, waitsFor } of waiting)
    console.log(`# ${n}, ${says}, waits for ${waitsFor}`);
  assert.ok(tests > tried.length);
  // Whoever builds one of these parts takes its number from here.
  assert.deepEqual(
    waiting.map(({ n }) => n),
    [],
  );
});
