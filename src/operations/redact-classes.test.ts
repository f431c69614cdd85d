import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SafeHarborIdentifier } from '../contract/events/shared/events/v1/safe_harbor_pb.js';
import classes from '../twin/deidentify/classes.json' with { type: 'json' };
import { identifies } from '../twin/deidentify/identifies.ts';
import { redact } from './redact.ts';

test('B-RT-7: a log line shows no field that is one of the 18 identifiers, however deep', () => {
  const fields = Object.keys(classes.fields).filter(identifies);
  assert.ok(fields.length > 50, `${fields.length} fields`);
  const planted = Object.fromEntries(fields.map((name, at) => [name, `Zebra${at}`]));
  for (const line of [planted, { record: planted }, { list: [{ cause: planted }] }]) {
    assert.doesNotMatch(JSON.stringify(redact(line)), /Zebra/);
  }
  for (const name of ['birthDate', 'SSN', 'telecom', 'photo', 'note', 'udiCarrier', 'postalCode']) {
    assert.deepEqual(redact({ [name]: 'Zebra' }), { [name]: '[hidden]' });
  }
});

test('what our own lines are made of is still shown', () => {
  const own = { id: 'abc', name: 'view', position: 7, reason: 'late', source: 'ehr', code: 'X' };
  assert.deepEqual(redact(own), own);
});

test('B-RT-7: events, logs and exports mean the same 18 identifiers, by the same letters', () => {
  const { text, ...letters } = classes.classes;
  assert.match(text, /free text/);
  assert.equal(Object.keys(letters).join(''), 'ABCDEFGHIJKLMNOPQR');
  const [none, ...annotations] = Object.values(SafeHarborIdentifier).filter(
    (one) => typeof one === 'string',
  );
  assert.equal(none, 'UNSPECIFIED');
  // The first word of an annotation stands in the words of its letter.
  const words = annotations.map((one) => (one.toLowerCase().split('_')[0] ?? '').slice(0, 5));
  const said = Object.values(letters).map((one) => one.toLowerCase());
  const apart = words.filter((word, at) => !said[at]?.includes(SAME[word] ?? word));
  assert.deepEqual([annotations.length, apart], [18, []]);
});

/** Where the table says it otherwise. */
const SAME: Readonly<Record<string, string>> = { url: 'web', other: 'any other', email: 'e-mail' };
