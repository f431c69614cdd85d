import assert from 'node:assert/strict';
import { test } from 'node:test';
import classes from '../../twin/deidentify/classes.json' with { type: 'json' };
import type { KafkaRecord } from '../kafka/client.ts';
import { contentOf, type Failure, letterOf, readLetter } from './dead-letter.ts';
import type { SealingKeys } from './sealing.ts';

const KEYS: SealingKeys = [{ id: 'k1', key: new Uint8Array(32).fill(1) }];
const LETTERS = { keys: KEYS, topicPrefix: 'acme.' };
const FAILURE: Failure = {
  ...{ reason: 'FAILED', attempts: 3, firstFailed: 1_000, lastFailed: 2_000 },
  ...{ consumer: 'acme.readers', eventId: 'e1' },
};
const record = (more: Partial<KafkaRecord>): KafkaRecord => ({
  ...{ topic: 'acme.words', partition: 3, offset: 7, timestamp: 1, key: null, value: null },
  headers: {},
  ...more,
});

test('B-RT-7: whatever of the 18 identifiers a record tells, its letter tells outside the seal none', () => {
  const fields = Object.keys(classes.fields);
  assert.ok(fields.length > 80, `${fields.length} fields`);
  const planted = Object.fromEntries(fields.map((name, at) => [name, `Zebra ${at}`]));
  const headers = Object.fromEntries(fields.map((name) => [name, Buffer.from(`Zebra ${name}`)]));
  const value = Buffer.from(JSON.stringify(planted));
  const of = { key: Buffer.from('Zebra 5'), value, headers };
  const letter = letterOf(LETTERS, record(of), { ...FAILURE, tenant: 'Zebra 1' });
  const outside = [letter.key, letter.value, JSON.stringify(letter.headers)];
  assert.doesNotMatch(outside.map((part) => part?.toString('latin1')).join(), /Zebra/);
  const kept = contentOf(KEYS, readLetter(letter) ?? assert.fail('no letter'));
  assert.deepEqual(kept?.value, value);
});
