import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { measure } from '../tools/evidence/measure.ts';
import { scoreOf } from '../tools/evidence/report.ts';
import { readSet, SETS, setName } from '../tools/evidence/sets.ts';
import { QUESTIONS_2019, questions2019 } from '../tools/evidence-questions.ts';
import { ROOT } from '../tools/files.ts';

/** Percent of the questions whose answer has to stand in the context. */
const SEARCH_MIN = 85;
const PAIR_MIN = 95;

for (const file of SETS) {
  test(`the answers of ${setName(file)} stand in 500, and in 2,000 tokens`, async () => {
    const questions = readSet(file);
    assert.ok(questions.length >= 120, `${questions.length} questions`);
    const asked = await measure(questions);
    assert.equal(asked.length, questions.length);
    const [search, pair, bm25] = [
      scoreOf(asked, 'search'),
      scoreOf(asked, 'pair'),
      scoreOf(asked, 'bm25'),
    ];
    assert.ok(search.percent >= SEARCH_MIN, `search alone: ${search.percent} %`);
    assert.ok(pair.percent >= PAIR_MIN, `with one read: ${pair.percent} %`);
    assert.ok(bm25.percent < search.percent, 'better than words alone, in a quarter of the tokens');
  });
}

test('the second set is what its script makes of the raw bundles', () => {
  assert.equal(readFileSync(join(ROOT, QUESTIONS_2019), 'utf8'), questions2019());
});
