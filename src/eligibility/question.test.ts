import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { JsonObject } from '../kernel/json.ts';
import { questionOf } from './question.ts';
import { Known } from './simulator/known.ts';
import { validate } from './validate.ts';

const asking = {
  payer: 'DEMO1',
  provider: { npi: '1999999984', name: 'Demo Clinic' },
  serviceTypes: ['30'],
};

function records(name: string): (type: string) => JsonObject {
  const path = new URL(`../../resources/demo/${name}.json`, import.meta.url);
  const { entry } = JSON.parse(readFileSync(path, 'utf8')) as { entry: { resource: JsonObject }[] };
  return (type) => entry.find(({ resource }) => resource.resourceType === type)?.resource ?? {};
}

for (const name of ['demo-ana', 'demo-ben', 'demo-cleo', 'demo-dov']) {
  test(`the simulator knows ${name} by what their own records say`, () => {
    const of = records(name);
    const question = questionOf({ patient: of('Patient'), coverage: of('Coverage') }, asking);
    assert.ok(question);
    assert.deepEqual(validate(question, '2026-11-30'), []);
    const { provider, ...asked } = question;
    const known = new Known().tell({ ...asked, npi: provider.npi, providerName: provider.name });
    assert.deepEqual(known.rejections, []);
    assert.ok(known.benefits.length > 5);
  });
}

test('a child is asked about as a dependent, by the subscriber’s number', () => {
  const of = records('demo-cleo');
  const question = questionOf({ patient: of('Patient'), coverage: of('Coverage') }, asking);
  assert.deepEqual(question?.subscriber, { memberId: 'DMO000000202' });
  assert.deepEqual(question?.dependent, {
    firstName: 'Cleo',
    lastName: 'Demo-Baker',
    dateOfBirth: '2018-07-23',
    relationship: '19',
  });
});

test('where too little is known nobody is asked', () => {
  const patient = { name: [{ family: 'Doe' }], birthDate: '1990' };
  assert.equal(questionOf({ patient, coverage: {} }, asking), undefined);
  const child = { subscriberId: '1', relationship: { coding: [{ code: 'child' }] } };
  assert.equal(questionOf({ patient, coverage: child }, asking), undefined);
  assert.ok(questionOf({ patient: { ...patient, birthDate: '1990-01-02' }, coverage: {} }, asking));
});
