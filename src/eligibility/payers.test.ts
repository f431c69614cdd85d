import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Fault } from '../kernel/errors.ts';
import { readPayers } from './payers.ts';

const payers = readPayers();

const SAME: readonly (readonly [string, string])[] = [
  ['Aetna', '60054'],
  ['AETNA, Inc.', '60054'],
  ['united healthcare', '87726'],
  ['Blue Cross & Blue Shield of Texas', 'G84980'],
  ['Medicare', 'CMS'],
  ['Demo Mutual Health Plan', 'DEMO1'],
  ['87726', '87726'],
];
for (const [text, id] of SAME) {
  test(`"${text}" is ${id}`, () => assert.equal(payers.resolve(text).id, id));
}

test('a payer that is not listed, or whose name several share, is an error that names the text', () => {
  for (const text of ['Blue Cross Blue Shield', 'Medicaid', '', 'Nobody "Health"']) {
    assert.throws(
      () => payers.resolve(text),
      (error) =>
        error instanceof Fault &&
        error.code === 'INVALID_ARGUMENT' &&
        error.message.includes(JSON.stringify(text)),
    );
  }
});

test('a file of one’s own replaces ours, and one text for two payers is an error', () => {
  const folder = mkdtempSync(join(tmpdir(), 'payers-'));
  const write = (payersOf: object[]) => {
    const path = join(folder, 'payers.json');
    writeFileSync(path, JSON.stringify({ payers: payersOf }));
    return path;
  };
  const own = readPayers(write([{ id: 'X1', name: 'Own Plan' }]));
  assert.deepEqual([own.find('own plan')?.id, own.find('Aetna')], ['X1', undefined]);
  const twice = [
    { id: 'X1', name: 'Own' },
    { id: 'X2', name: 'own!' },
  ];
  assert.throws(() => readPayers(write(twice)), /X1 and X2/);
  assert.throws(() => readPayers(join(folder, 'none.json')), /is no list of payers/);
});
