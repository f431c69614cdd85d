import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fuzzed } from './fuzz.rig.ts';

const DATA = new URL('../../../../shared/data/x12/', import.meta.url);

test('B-EL-2: 20,000 spoilt answers: reading never fails and invents no benefit', () => {
  const names = readdirSync(DATA).filter((name) => name.endsWith('.271'));
  fuzzed(
    names.map((name) => readFileSync(new URL(name, DATA), 'utf8')),
    20_000,
  );
});
