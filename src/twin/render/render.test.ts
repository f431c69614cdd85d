import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '../../kernel/json.ts';
import { sourceRecords, syntheaBundles } from '../fhir/test/synthea.ts';
import { project } from '../project.ts';
import type { Renderable } from './fit.ts';
import { type RenderOptions, renderDocument } from './index.ts';
import { DATA_NOTICE } from './text.ts';

const bundle = syntheaBundles().at(-1)?.bundle;
assert.ok(bundle !== undefined);
const [{ member } = { member: '' }] = bundle.members;
const real = project({ kind: 'member', id: member }, sourceRecords(bundle, '2026')).documents;
const clinical = real.find((one) => one.section === 'clinical' && one.variant === 'full');
assert.ok(clinical !== undefined);

const OPTIONS: RenderOptions = { view: 'summary', format: 'markdown', budgetTokens: 2_000 };

function documentOf(data: JsonObject): Renderable {
  return {
    uri: 'mcp://twins/member/m/clinical',
    section: 'clinical',
    title: 'T',
    data,
    notices: [],
  };
}

const fact = fc.record({
  title: fc.string({ unit: 'binary', maxLength: 200 }),
  value: fc.string({ maxLength: 50 }),
  note: fc.string({ unit: 'binary', maxLength: 3_000 }),
  uri: fc.constant('mcp://twins/member/m/clinical/Condition/1'),
});
const anyDocument = fc.record({
  uri: fc.constant('mcp://twins/member/m/clinical'),
  section: fc.constant('clinical'),
  title: fc.string({ unit: 'binary', maxLength: 500 }),
  asOf: fc.constant('2026-01-01T00:00:00.000Z'),
  notices: fc.array(fc.string({ maxLength: 600 }), { maxLength: 3 }),
  data: fc.record({
    facts: fc.array(fact, { maxLength: 30 }),
    one: fact,
    odd: fc.dictionary(fc.string(), fc.jsonValue()) as fc.Arbitrary<JsonObject>,
    scalar: fc.jsonValue(),
  }),
});
const anyOptions = fc.record(
  {
    view: fc.constantFrom('card' as const, 'summary' as const, 'detail' as const),
    format: fc.constantFrom('markdown' as const, 'json' as const),
    budgetTokens: fc.integer({ min: 100, max: 3_000 }),
    focus: fc.string({ maxLength: 100 }),
  },
  { requiredKeys: ['view', 'format', 'budgetTokens'] },
);

test('a rendering is never over its budget, whatever the document', () => {
  const source = fc.oneof(anyDocument, fc.constantFrom(...real));
  fc.assert(
    fc.property(source, anyOptions, (document, options) => {
      const { content, used, omitted } = renderDocument(document, options as RenderOptions);
      assert.ok(content.length <= options.budgetTokens * 4, `${content.length}`);
      assert.equal(used, Math.ceil(content.length / 4));
      assert.ok(content.includes(DATA_NOTICE));
      assert.ok(omitted.every(({ tokens, uri }) => tokens >= 0 && uri.startsWith('mcp://')));
      if (options.format === 'json') assert.ok(typeof JSON.parse(content) === 'object');
    }),
    { numRuns: 300 },
  );
});

test('with room enough nothing is omitted, in either format', () => {
  for (const format of ['markdown', 'json'] as const) {
    const options = { ...OPTIONS, format, view: 'detail', budgetTokens: 200_000 } as const;
    assert.deepEqual(renderDocument(clinical, options).omitted, []);
  }
});

test('JSON with room enough is the data itself', () => {
  const options = { ...OPTIONS, format: 'json', view: 'detail', budgetTokens: 200_000 } as const;
  assert.deepEqual(JSON.parse(renderDocument(clinical, options).content).data, clinical.data);
});

test('what was shown and what was omitted are the whole', () => {
  const { content, omitted } = renderDocument(clinical, { ...OPTIONS, budgetTokens: 300 });
  const left = omitted.reduce((sum, { what }) => sum + Number.parseInt(what, 10), 0);
  const shown = content.split('\n').filter((line) => line.startsWith('- ')).length;
  const all = Object.values(clinical.data).flatMap((one) =>
    Array.isArray(one) && one.length === 0 ? [1] : one,
  );
  assert.equal(left + shown, all.length);
});

test('what answers the focus comes first; without focus the order is the document’s', () => {
  const data = {
    conditions: [{ title: 'Asthma' }, { title: 'Diabetes mellitus' }],
    labs: [{ title: 'Hemoglobin A1c', value: '7.2 %' }],
  };
  const plain = renderDocument(documentOf(data), OPTIONS).content;
  assert.ok(plain.indexOf('Asthma') < plain.indexOf('Hemoglobin'));
  const focused = renderDocument(documentOf(data), { ...OPTIONS, focus: 'last A1c?' }).content;
  assert.ok(focused.indexOf('Hemoglobin') < focused.indexOf('Asthma'));
  assert.equal(renderDocument(documentOf(data), OPTIONS).content, plain);
});

test('a card shows less than a summary, a summary less than the detail', () => {
  const [card, summary, detail] = (['card', 'summary', 'detail'] as const).map(
    (view) => renderDocument(clinical, { ...OPTIONS, view, budgetTokens: 100_000 }).used,
  );
  assert.ok(card && summary && detail && card < summary && summary < detail);
});

test('what a thing is about leads its line; things in a list stay apart', () => {
  const data = {
    careTeam: [
      {
        title: 'Blue team',
        status: 'active',
        members: [{ name: 'Eve', role: 'MD' }, { name: 'Nia' }],
      },
    ],
    totals: [{ year: '2025', billed: '5.00 USD' }],
    contradictions: [
      { about: 'birth date', says: [{ title: '1974', uri: 'mcp://x', source: 's', asOf: null }] },
    ],
  };
  const lines = renderDocument(documentOf(data), OPTIONS).content.split('\n');
  assert.deepEqual(
    lines.filter((line) => line.startsWith('- ')),
    [
      '- **Blue team** (active); members: **Eve**, role: MD | **Nia**',
      '- **2025**; billed: 5.00 USD',
      '- **birth date**; says: **1974**',
    ],
  );
});

test('an empty list is said', () => {
  assert.match(renderDocument(documentOf({ allergies: [] }), OPTIONS).content, /none recorded/);
});

const HOSTILE = [
  '![x](https://evil.example/?q=1)',
  '[click](https://evil.example)',
  '<img src="https://evil.example/a">',
  '`code`\n# Heading\n\n- item',
  'https://evil.example/auto and www.evil.example',
  '\u202Ereversed\u202C \u0007bell \u{E0041}tag \u200Bzero',
  '[ref]: https://evil.example',
];

for (const text of HOSTILE) {
  test(`record text stays text: ${JSON.stringify(text).slice(0, 40)}`, () => {
    const data = { notes: [{ title: text, note: text }] };
    for (const format of ['markdown', 'json'] as const) {
      const { content } = renderDocument(documentOf(data), { ...OPTIONS, format });
      const body = content.slice(content.indexOf(DATA_NOTICE));
      assert.doesNotMatch(body, /!\[|[^\\]\]\(|[^\\]<img|:\/\/evil|[^\\]`/);
      for (const hidden of ['\u202E', '\u0007', '\u200B', '\u{E0041}']) {
        assert.ok(!body.includes(hidden));
      }
      assert.equal(
        body.split('\n').filter((line) => line.startsWith('- ')).length,
        format === 'json' ? 0 : 1,
      );
      assert.equal(body.split('\n').filter((line) => line.startsWith('# ')).length, 0);
    }
  });
}
