import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Question } from './model.ts';
import { validate } from './validate.ts';
import { decode271 } from './x12/decode.ts';
import { encode270 } from './x12/encode.ts';
import { tokenize } from './x12/tokenize.ts';

const right: Question = {
  payer: '60054',
  provider: { npi: '1999999984', name: 'Provider Name' },
  subscriber: { memberId: 'AETNA12345', firstName: 'Jané', lastName: "O'Doe" },
  serviceTypes: ['30'],
};
const TODAY = '2026-11-30';

/** What is changed, and the field that is named. */
const WRONG: readonly (readonly [Partial<Question>, string])[] = [
  [{ payer: '60054*' }, 'payer'],
  [{ provider: { npi: '1999999985', name: 'P' } }, 'provider.npi'],
  [{ provider: { npi: '1999999984', name: 'P~ST*270' } }, 'provider.name'],
  [{ subscriber: { memberId: 'A*B' } }, 'subscriber.memberId'],
  [{ subscriber: { memberId: 'A', lastName: 'Doe\n' } }, 'subscriber.lastName'],
  [{ subscriber: { memberId: 'A', dateOfBirth: '2026-12-01' } }, 'subscriber.dateOfBirth'],
  [{ subscriber: { memberId: 'A', dateOfBirth: '2026-02-30' } }, 'subscriber.dateOfBirth'],
  [{ subscriber: { lastName: 'Doe' } }, 'subscriber'],
  [{ dependent: { firstName: 'Jo' } }, 'dependent'],
  [
    { dependent: { firstName: 'Jo', lastName: 'Doe', relationship: 'x' } },
    'dependent.relationship',
  ],
  [{ serviceTypes: ['30^98'] }, 'serviceTypes'],
  [{ serviceDate: '20261130' }, 'serviceDate'],
  [{ reference: 'a b' }, 'reference'],
];
for (const [change, field] of WRONG) {
  test(`a question with ${JSON.stringify(change)} is refused by its ${field}`, () => {
    const faults = validate({ ...right, ...change }, TODAY);
    assert.deepEqual(
      faults.map((fault) => fault.field),
      [field],
    );
    const said = Object.values(change).map((one) => JSON.stringify(one));
    assert.ok(faults.every(({ rule }) => !said.includes(JSON.stringify(rule))));
  });
}

test('a right question is a 270 of right counts, one patient, and nothing that is no 271', () => {
  assert.deepEqual(validate(right, TODAY), []);
  const dependent = { firstName: 'Jo', lastName: 'Doe', relationship: '19' };
  for (const question of [right, { ...right, dependent, serviceDate: TODAY }]) {
    const text = encode270(question, { number: 42, at: Date.UTC(2026, 10, 30), usage: 'T' });
    const { segments, faults } = tokenize(text);
    assert.deepEqual([faults, text.indexOf('~')], [[], 105]);
    const st = segments.findIndex(({ id }) => id === 'ST');
    const se = segments.findIndex(({ id }) => id === 'SE');
    assert.equal(Number(segments[se]?.elements[0]), se - st + 1);
    assert.equal(segments.filter(({ id }) => id === 'TRN').length, 1);
    assert.deepEqual(decode271(text).benefits, []);
  }
});
