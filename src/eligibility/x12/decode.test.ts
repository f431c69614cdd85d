import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { decode271 } from './decode.ts';
import { fuzzed } from './fuzz.rig.ts';

const DATA = new URL('../../../../shared/data/x12/', import.meta.url);
const FILES = readdirSync(DATA).filter((name) => name.endsWith('.271'));
const read = (name: string) => readFileSync(new URL(name, DATA), 'utf8');

/** Per file: benefits, refusals, faults of form. */
const EXPECTED: Readonly<Record<string, readonly [number, string, string]>> = {
  'imsweb-x271.271': [1, '', 'segment-count control-number'],
  'lfh-demo.271': [5, '', ''],
  'lfh-dependent-health-benefit-check.271': [5, '', ''],
  'lfh-subscriber-health-benefit-check-error.271': [0, '50 N provider', 'control-number'],
  'node-x12.271': [9, '', 'missing-trailer missing-trailer'],
};

for (const name of FILES) {
  test(`B-EL-1: ${name} is read, and what is wrong with its form is told`, () => {
    const { benefits, rejections, faults } = decode271(read(name));
    const refused = rejections.map(({ code, followUp, loop }) => `${code} ${followUp} ${loop}`);
    assert.deepEqual(
      [benefits.length, refused.join(), faults.map(({ code }) => code).join(' ')],
      EXPECTED[name],
    );
  });
}

test('each element of a benefit is where X12 has it', () => {
  const { benefits, subscriber, traceIds, payer } = decode271(read('lfh-demo.271'));
  assert.deepEqual(benefits[3], {
    path: 'segment 22',
    code: 'B',
    serviceTypes: ['1', '33', '35', '47', '86', '88', '98', 'AL', 'MH', 'UC'],
    insuranceType: 'HM',
    planName: 'GOLD 123 PLAN',
    period: '27',
    amount: '10.00',
    network: 'Y',
    dates: [],
    messages: [],
    deliveries: [],
    places: [],
    related: [],
  });
  assert.equal(benefits[1]?.related[0]?.name, 'MARCUS JONES');
  assert.equal(subscriber?.memberId, '123456789');
  assert.deepEqual([traceIds, payer.name], [['93175-012547'], 'ABC COMPANY']);
});

test('a dependent is the patient where there is one', () => {
  const { dependent, subscriber } = decode271(read('lfh-dependent-health-benefit-check.271'));
  assert.deepEqual([dependent?.firstName, dependent?.dateOfBirth], ['MARY', '1998-10-14']);
  assert.equal(subscriber?.firstName, 'JOHN');
});

test('B-EL-1: an answer about two patients gives nobody a benefit', () => {
  const one = read('lfh-demo.271');
  const again = 'HL*4*2*22*0~\nNM1*IL*1*ROE*RICHARD****MI*999~\nEB*1**30~\n';
  const { benefits, faults, subscriber } = decode271(one.replace('SE*22', `${again}SE*25`));
  assert.deepEqual([benefits.length, subscriber], [0, undefined]);
  assert.ok(faults.some(({ code }) => code === 'several-patients'));
});

test('delimiters are those of the ISA, whatever their place', () => {
  const odd = read('lfh-demo.271')
    .replaceAll('*', '|')
    .replaceAll('^', '!')
    .replaceAll('~', '\x1d');
  const trimmed = odd.replace(/ {2,}/g, ' ');
  for (const text of [odd, trimmed, `\uFEFF\r\n${odd}`]) {
    assert.equal(decode271(text).benefits[3]?.serviceTypes.length, 10);
  }
});

test('values that are none are told and left out; zero is a value', () => {
  const text = read('lfh-demo.271').replace('*10.00*', '*ten*').replace('*30.00*', '*0*');
  const { benefits, faults } = decode271(text);
  assert.deepEqual([benefits[3]?.amount, benefits[4]?.amount], [undefined, '0']);
  assert.deepEqual(faults, [{ code: 'unreadable-value', path: 'segment 22' }]);
});

test('B-EL-2: whatever is done to an answer, reading never fails and invents no benefit', () => {
  fuzzed(FILES.map(read), 300);
});
