import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Fault } from '../../kernel/errors.ts';
import { type BatchRow, type RowFormat, readRows } from './rows.ts';

async function rowsOf(format: RowFormat, ...chunks: readonly (string | Uint8Array)[]) {
  async function* body() {
    for (const chunk of chunks) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
  }
  const rows: BatchRow[] = [];
  for await (const row of readRows(body(), format)) rows.push(row);
  return rows;
}

test('CSV: columns in any order, empty cells left out, quotes, a BOM and \\r\\n', async () => {
  const text =
    '\uFEFFreference,member,serviceTypes,serviceDate\r\n' +
    '"a-1",demo-ana,30 98,2026-11-30\r\n\r\n' +
    ',demo-ben,,\r\n';
  assert.deepEqual(await rowsOf('csv', text), [
    {
      ...{ n: 1, member: 'demo-ana', serviceTypes: ['30', '98'] },
      ...{ serviceDate: '2026-11-30', reference: 'a-1' },
    },
    { n: 2, member: 'demo-ben' },
  ]);
});

const WRONG: readonly (readonly [RowFormat, string, string])[] = [
  ['ndjson', '{"member":"a","serviceDate":"2026-02-30"}', 'serviceDate'],
  ['ndjson', '{"member":"-a"}', 'member'],
  ['ndjson', '{"member":"a","serviceTypes":[]}', 'serviceTypes'],
  ['ndjson', '{"member":"a","mode":"x"}', 'row'],
  ['ndjson', 'not json', 'row'],
  ['ndjson', '[]', 'row'],
  ['csv', 'member\na,b', 'row'],
  ['csv', 'member\n"a', 'row'],
  ['csv', 'member,coverage\na,../x', 'coverage'],
];
for (const [format, text, fault] of WRONG) {
  test(`a ${format} row that is ${JSON.stringify(text.slice(-30))} has the fault ${fault}`, async () => {
    assert.deepEqual(await rowsOf(format, text), [{ n: 1, fault }]);
  });
}

test('a header that names no member, or something unknown, refuses the whole', async () => {
  for (const header of ['coverage', 'member,name', 'member,member', '']) {
    await assert.rejects(
      rowsOf('csv', `${header}\nx`),
      (error) => error instanceof Fault && error.code === 'INVALID_ARGUMENT',
    );
  }
});

test('a line without an end is refused, and not held', async () => {
  const endless = Array.from({ length: 10 }, () => 'x'.repeat(1_000));
  await assert.rejects(
    rowsOf('ndjson', ...endless),
    (error) => error instanceof Fault && error.code === 'TOO_LARGE',
  );
});

test('wherever a body is cut into chunks, its rows are the same', async () => {
  const text = Array.from({ length: 20 }, (_, n) => `{"member":"é-${n}","reference":"r${n}"}`);
  const bytes = Buffer.from(text.join('\n'));
  const whole = await rowsOf('ndjson', bytes);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 8 }), async (cuts) => {
      const at = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
      const chunks = at.slice(1).map((end, index) => bytes.subarray(at[index], end));
      assert.deepEqual(await rowsOf('ndjson', ...chunks), whole);
    }),
    { numRuns: 40, verbose: 1 },
  );
});
