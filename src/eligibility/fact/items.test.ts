import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { decode271 } from '../x12/decode.ts';
import { itemsOf } from './items.ts';
import { periodOf, statusOf } from './status.ts';

const HEAD =
  'ISA*00*          *00*          *ZZ*STEDI          *ZZ*R              *260101*0000*^*00501*000000001*0*T*:~' +
  'ST*271*0001*005010X279A1~HL*1**20*1~NM1*PR*2*P*****PI*P1~HL*2*1*21*1~NM1*1P*2*X*****XX*1~HL*3*2*22*0~' +
  'NM1*IL*1*DOE*JANE****MI*1~';
const answer = (...lines: string[]) =>
  decode271(`${HEAD}${lines.map((line) => `${line}~`).join('')}`);
const of = (...lines: string[]) => itemsOf(answer(...lines)).map(({ json }) => json);
const only = (...lines: string[]) => ([of(...lines)[0]?.benefit].flat() as unknown[])[0];
const usd = (value: number) => ({ value, currency: 'USD' });

test('B-EL-7: total, used and remaining of one deductible are one fact, and remaining is as stated', () => {
  const lines = ['EB*C*IND*30***23*500*****Y', 'EB*C*IND*30***24*420*****Y'];
  assert.deepEqual(only(...lines), {
    type: { coding: [{ code: 'deductible' }], text: 'Deductible' },
    allowedMoney: usd(500),
    usedMoney: usd(420),
  });
  const stated = only(...lines, 'EB*C*IND*30***29*81*****Y') as { extension: unknown[] };
  assert.deepEqual(stated.extension, [
    {
      url: 'http://hl7.org/fhir/us/davinci-pct/StructureDefinition/benefit-remaining',
      valueMoney: usd(81),
    },
  ]);
});

test('zero is a value; what else names a benefit keeps it apart', () => {
  const lines = [
    'EB*C*IND*30***23*0*****Y',
    'EB*C*FAM*30***23*10*****Y',
    'EB*C*IND*30***23*20*****N',
    'EB*C*IND*30***32*30*****Y',
    'EB*C*IND*98***23*40*****Y',
  ];
  const amounts = of(...lines).map(
    ({ benefit }) => (benefit as { allowedMoney: unknown }[])[0]?.allowedMoney,
  );
  assert.deepEqual(amounts, [usd(0), usd(10), usd(20), usd(30), usd(40)]);
});

test('what a payer says twice and differently stays as it was said', () => {
  assert.equal(of('EB*C*IND*30***23*1*****Y', 'EB*C*IND*30***23*2*****Y').length, 2);
  assert.equal(of('EB*C*IND*30***23*1*****Y', 'EB*C*IND*30***23*1*****Y').length, 1);
});

const PERCENTS: readonly (readonly [string, unknown, unknown])[] = [
  ['.2', 20, undefined],
  ['0', 0, undefined],
  ['1', 100, undefined],
  ['20', 20, undefined],
  ['.125', undefined, '12.5 %'],
];
for (const [said, whole, text] of PERCENTS) {
  test(`a coinsurance of ${said}`, () => {
    const benefit = only(`EB*A*IND*30***23**${said}****Y`) as Record<string, unknown>;
    assert.deepEqual([benefit.allowedUnsignedInt, benefit.allowedString], [whole, text]);
  });
}

test('limits by count, exclusions, authorization and whom to ask', () => {
  const items = of(
    'EB*F*IND*33***23***VS*20**Y',
    'EB*F*IND*33***29***VS*14**Y',
    'EB*I*IND*35',
    'EB*CB*IND*48*******Y*Y',
    'EB*U**88',
    'LS*2120',
    'NM1*VN*2*SAMPLE PHARMACY',
    'PER*IC**TE*5550123',
    'LE*2120',
  );
  const told = items.map(({ benefit, excluded, authorizationRequired, description }) => [
    (benefit as { type: { text: string } }[])[0]?.type.text,
    excluded,
    authorizationRequired,
    description,
  ]);
  assert.deepEqual(told, [
    ['Visits', undefined, undefined, undefined],
    ['Not covered', true, undefined, undefined],
    ['Basis of coverage', undefined, true, undefined],
    ['Ask elsewhere', undefined, undefined, 'SAMPLE PHARMACY, TE 5550123'],
  ]);
});

const STATES: readonly (readonly [string, readonly string[], string])[] = [
  ['active', ['30'], 'EB*1**30'],
  ['inactive', ['30'], 'EB*6**30'],
  ['active', ['30'], 'EB*1**88'],
  ['unknown', ['MH'], 'EB*1**35'],
  ['inactive', ['30'], 'EB*6**30 EB*1**88'],
  ['active', ['88'], 'EB*6**35 EB*1**88'],
  ['active', ['30'], 'EB*5'],
  ['unknown', ['30'], 'EB*V**30'],
  ['unknown', ['30'], 'EB*C*IND*30***23*1'],
];
for (const [status, asked, lines] of STATES) {
  test(`asked for ${asked}, ${lines} is ${status}`, () => {
    assert.equal(statusOf(answer(...lines.split(' ')), asked), status);
  });
}

test('how long the member is covered', () => {
  const period = (...lines: string[]) => periodOf(answer(...lines));
  assert.deepEqual(period('DTP*291*RD8*20260101-20261231', 'EB*1**30'), {
    start: '2026-01-01',
    end: '2026-12-31',
  });
  assert.deepEqual(period('DTP*346*D8*20240101', 'DTP*347*D8*20251231', 'EB*6**30'), {
    start: '2024-01-01',
    end: '2025-12-31',
  });
  assert.equal(period('DTP*472*D8*20240101', 'EB*6**30'), undefined);
});

test('a real answer of many lines', () => {
  const file = new URL('../../../../shared/data/x12/node-x12.271', import.meta.url);
  const real = decode271(readFileSync(file, 'utf8'));
  assert.equal(statusOf(real, ['30']), 'active');
  const titles = itemsOf(real).map(({ json }) => json.description);
  assert.ok(
    titles.includes('SILVERSCRIPT INSURANCE COMPANY, TE 8664430934, UR www.silverscript.com'),
  );
});
