import assert from 'node:assert/strict';
import { test } from 'node:test';
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
