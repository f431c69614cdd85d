import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { Variant } from '../src/contract/documents.ts';
import { createFacts } from '../src/eligibility/fact/facts.ts';
import type { Answer } from '../src/eligibility/model.ts';
import type { CheckOf, Outcome } from '../src/eligibility/ports.ts';
import { Known } from '../src/eligibility/simulator/known.ts';
import { writeLegacy } from '../src/eligibility/simulator/write-legacy.ts';
import { decodeLegacy } from '../src/eligibility/stedi/legacy.ts';
import { coverageSchema } from '../src/twin/documents/coverage.ts';
import { openSpine } from './support/spine.ts';

const COVERAGE = 'mcp://twins/member/demo-ana/coverage';
const KNOWN = new Known();
const T0 = Date.UTC(2026, 10, 30, 12);

function demo(name: string): unknown {
  return JSON.parse(
    readFileSync(new URL(`../resources/demo/${name}.json`, import.meta.url), 'utf8'),
  );
}

function world() {
  const spine = openSpine();
  spine.submit(demo('directory'));
  spine.submit(demo('demo-ana'));
  const facts = createFacts({
    intake: { submitRecord: async (record) => spine.record(record) },
    positionOf: ({ partition, offset }) => `${partition}:${offset}`,
    keyOf: (text) => createHash('sha256').update(text).digest('hex').slice(0, 26),
    payerName: () => 'Demo Mutual Health Plan',
  });
  const coverage = (variant: Variant = 'general') => {
    return coverageSchema.parse(spine.shard.document(COVERAGE, variant)?.data);
  };
  return { spine, facts, coverage };
}

const about = (checkId: string, minute: number, serviceTypes = ['30']): CheckOf => ({
  ...{ checkId, tenant: 'demo', member: 'demo-ana', coverage: 'ana-coverage', payer: 'DEMO1' },
  ...{ serviceTypes, askedAt: T0 + minute * 60_000, settledAt: T0 + minute * 60_000 + 3_000 },
});

/** What the simulator's payer says of a person, as the clearinghouse's JSON. */
function answerOf(memberId: string, change: (raw: string) => string = (raw) => raw): Outcome {
  const found = KNOWN.script.people.find(({ subscriber }) => subscriber.memberId === memberId);
  const asked = {
    payer: found?.payer ?? '',
    npi: '1999999984',
    providerName: 'Clinic',
    subscriber: JSON.parse(JSON.stringify(found?.subscriber ?? {})),
    serviceTypes: ['30'],
  };
  const stamp = { checkId: 'ec_1', traceId: 'TRACE1', control: '000000001', at: T0 };
  const text = change(JSON.stringify(writeLegacy(asked, KNOWN.tell(asked), stamp)));
  const answer: Answer = decodeLegacy(JSON.parse(text), text);
  const [first, ...others] = answer.rejections;
  return first === undefined || answer.benefits.length > 0
    ? { kind: 'answered', answer, reached: 'yes' }
    : { kind: 'rejected', answer, rejections: [first, ...others], reached: 'yes' };
}

const ANA = 'DMO000000101';

test('B-EL-8: an answer stands in the coverage document, each fact with check, trace, source and time', async () => {
  const { facts, coverage, spine } = world();
  const said = await facts.record(about('check-1', 0), answerOf(ANA));
  assert.equal(said.status, 'active');
  assert.match(said.position ?? '', /^\d+:\d+$/);
  const { eligibility, benefits } = coverage();
  assert.deepEqual(
    [eligibility.status, eligibility.checkedAt, eligibility.check, eligibility.trace],
    ['active', '2026-11-30T12:00:03.000Z', 'check-1', 'TRACE1'],
  );
  const deductible = benefits.find(({ kind }) => kind === 'deductible');
  assert.deepEqual(
    [deductible?.total, deductible?.used, deductible?.remaining, deductible?.remainingIs],
    ['500.00 USD', '420.00 USD', '80.00 USD', 'derived'],
  );
  for (const one of benefits.filter(({ basis }) => basis === 'eligibility answer')) {
    assert.deepEqual(
      [one.check, one.trace, one.source, one.asOf],
      ['check-1', 'TRACE1', 'eligibility', '2026-11-30T12:00:03.000Z'],
    );
  }
  const limit = benefits.find(({ title }) => title.startsWith('Visits'));
  assert.deepEqual([limit?.total, limit?.used, limit?.remaining], ['30', '6', '24']);
  assert.ok(spine.changes.some(({ uri }) => uri === COVERAGE));
});

interface Attachment {
  readonly contentType: string;
  readonly data: string;
}

function attachmentsOf(resource: unknown): [Attachment] {
  const { contained } = resource as { contained: [{ content: [{ attachment: Attachment }] }] };
  return [contained[0].content[0].attachment];
}

test('B-EL-9: the raw answer is a source document, byte for byte, for those who may see everything', async () => {
  for (const size of [0, 300_000]) {
    const { facts, spine } = world();
    const outcome = answerOf(ANA, (raw) => raw.replace('{', `{"padding":"${'x'.repeat(size)}",`));
    await facts.record(about('check-1', 0), outcome);
    const raws = spine.shard
      .sources({ kind: 'member', id: 'demo-ana' })
      .filter(({ id }) => id.endsWith('-raw'));
    assert.equal(raws.length, 1);
    const [attachment] = attachmentsOf(raws[0]?.resource);
    const bytes = Buffer.from(attachment.data, 'base64');
    const zipped = attachment.contentType === 'application/gzip';
    assert.equal(zipped, size > 0);
    const text = (zipped ? gunzipSync(bytes) : bytes).toString('utf8');
    assert.equal(text, 'answer' in outcome && outcome.answer.raw);
  }
});

test('B-EL-9: what tells of protected care stands in the full variant alone', async () => {
  const { facts, coverage } = world();
  const withUse = (raw: string) =>
    raw.replace(
      '"benefitsInformation":[',
      '"benefitsInformation":[{"code":"F","coverageLevelCode":"IND","serviceTypeCodes":["MH"],"timeQualifierCode":"24","quantityQualifierCode":"VS","benefitQuantity":"7"},',
    );
  await facts.record(about('check-1', 0), answerOf(ANA, withUse));
  const told = (variant: Variant) =>
    coverage(variant).benefits.some(({ serviceType }) => serviceType === 'Mental health');
  assert.deepEqual([told('general'), told('full')], [false, true]);
  const before = coverage().eligibility;
  await facts.record(about('check-2', 5, ['MH']), answerOf(ANA));
  assert.deepEqual(coverage().eligibility, before);
  assert.equal(coverage('full').eligibility.check, 'check-2');
});

test('B-EL-10: processing, refused and unanswered are said with what to do, and leave the last answer', async () => {
  const { facts, coverage } = world();
  await facts.record(about('check-1', 0), answerOf(ANA));
  await facts.processing(about('check-2', 10));
  assert.equal(coverage().eligibility.status, 'processing');
  assert.equal((await facts.record(about('check-2', 10), answerOf('UHCAAA42'))).status, 'unknown');
  const { eligibility, benefits } = coverage();
  assert.equal(eligibility.status, 'unknown');
  assert.deepEqual(eligibility.errors, [
    {
      code: '42',
      says: 'The payer cannot answer at the moment.',
      whatToDo: "Check again later; nothing is wrong with the member's data.",
    },
  ]);
  assert.equal(eligibility.lastKnown?.status, 'active');
  assert.ok(benefits.some(({ check }) => check === 'check-1'));
  await facts.record(about('check-3', 20), {
    ...{ kind: 'unavailable', why: 'time-out', reached: 'maybe' },
  });
  assert.equal(coverage().eligibility.errors?.[0]?.code, 'NO_ANSWER');
  await facts.record(about('check-4', 30), answerOf(ANA));
  assert.deepEqual(
    [coverage().eligibility.status, coverage().eligibility.errors],
    ['active', undefined],
  );
});

test('B-EL-10: an answer that comes late does not take the place of a newer one', async () => {
  const { facts, coverage } = world();
  await facts.record(about('check-2', 10), answerOf(ANA));
  await facts.record(about('check-1', 0), answerOf('UHCINACTIVE'));
  assert.deepEqual(
    [coverage().eligibility.status, coverage().eligibility.check],
    ['active', 'check-2'],
  );
});

test('B-EL-8: the same answer twice has no second effect', async () => {
  const { facts, spine } = world();
  await facts.record(about('check-1', 0), answerOf(ANA));
  const etags = spine.etags();
  await facts.record(about('check-1', 0), answerOf(ANA));
  assert.deepEqual(spine.etags(), etags);
});

test('an answer about some services leaves standing what an earlier one said of others', async () => {
  const { facts, coverage } = world();
  await facts.record(about('check-1', 0), answerOf(ANA));
  const dental = answerOf('007007007');
  await facts.record(about('check-2', 5, ['35']), dental);
  const checks = new Set(coverage('full').benefits.flatMap(({ check }) => check ?? []));
  assert.deepEqual(checks, new Set(['check-1', 'check-2']));
  assert.equal(coverage().contradictions, undefined);
});
