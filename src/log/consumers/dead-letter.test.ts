import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeadLetterSchema } from '../../contract/events/twins/v1/dead_letter_pb.js';
import { LIMITS } from '../../kernel/limits.ts';
import { ownIds } from '../events/schema-ids.ts';
import { frameOf, inMessage } from '../events/wire.ts';
import type { KafkaRecord } from '../kafka/client.ts';
import { contentOf, type Failure, letterOf, readLetter } from './dead-letter.ts';
import { CannotOpen, type SealingKeys } from './sealing.ts';

const KEYS: SealingKeys = [
  { id: 'k2', key: new Uint8Array(32).fill(2) },
  { id: 'k1', key: new Uint8Array(32).fill(1) },
];
const LETTERS = { keys: KEYS, topicPrefix: 'acme.' };
const FAILURE: Failure = {
  ...{ reason: 'FAILED', attempts: 3, firstFailed: 1_000, lastFailed: 2_000 },
  ...{ consumer: 'acme.readers', eventId: 'e1' },
};
const record = (more: Partial<KafkaRecord> = {}): KafkaRecord => ({
  ...{ topic: 'acme.words', partition: 3, offset: 7, timestamp: 1 },
  key: Buffer.from('demo-ana'),
  value: Buffer.from('Ana Example'),
  headers: { note: Buffer.from('born 1970-01-01') },
  ...more,
});

test('a letter says where from and why, and shows nothing of the record', () => {
  const message = letterOf(LETTERS, record(), FAILURE);
  assert.deepEqual([message.topic, message.key?.toString()], ['acme.words.dlq', 'demo-ana']);
  assert.deepEqual(message.headers, {
    type: 'twins.v1.DeadLetter',
    'dlq-reason': 'FAILED',
    'dlq-origin': 'words/3/7',
    'dlq-attempts': '3',
    'dlq-consumer': 'acme.readers',
    'dlq-key-id': 'k2',
  });
  assert.doesNotMatch(message.value?.toString('latin1') ?? '', /Ana|born/);
  const letter = readLetter(message);
  assert.deepEqual(letter?.origin, { topic: 'words', partition: 3, offset: 7 });
  assert.deepEqual(
    [letter?.eventId, letter?.firstFailed, letter?.lastFailed],
    ['e1', 1_000, 2_000],
  );
  assert.ok(letter !== undefined);
  const { key, value, headers } = contentOf(KEYS, letter) ?? {};
  assert.deepEqual([key, value, headers], [record().key, record().value, record().headers]);
});

test('a key that is none of our ids stays inside the seal', () => {
  const { key } = letterOf(LETTERS, record({ key: Buffer.from('Ana Example') }), FAILURE);
  assert.doesNotMatch(key?.toString() ?? '', /Ana/);
});

test('P9: a key of the intake stays inside the seal, whatever its form: others chose it', () => {
  const key = Buffer.from('Example-Ana-1931');
  const letter = letterOf(LETTERS, record({ key, topic: 'acme.twins.intake' }), FAILURE);
  assert.doesNotMatch(letter.key?.toString() ?? '', /Ana/);
  const content = contentOf(KEYS, readLetter(letter) ?? assert.fail('no letter'));
  assert.deepEqual(content?.key, key);
});

test('a tombstone and a record without a key come back as they were', () => {
  const letter = readLetter(letterOf(LETTERS, record({ key: null, value: null }), FAILURE));
  assert.ok(letter !== undefined);
  const { key, value } = contentOf(KEYS, letter) ?? {};
  assert.deepEqual([key, value], [null, null]);
});

test('one that is too large is named by its place alone', () => {
  const value = Buffer.alloc(LIMITS.recordBytesMax + 1);
  const message = letterOf(LETTERS, record({ value }), { ...FAILURE, reason: 'TOO_LARGE' });
  assert.ok((message.value?.length ?? 0) < 1_000);
  const letter = readLetter(message);
  assert.ok(letter !== undefined);
  assert.equal(contentOf(KEYS, letter), undefined);
});

test('an older key still opens; another key, another origin or a changed byte does not', () => {
  const old = letterOf({ ...LETTERS, keys: [KEYS[1] ?? KEYS[0]] }, record(), FAILURE);
  const letter = readLetter(old);
  assert.ok(letter !== undefined);
  assert.equal(contentOf(KEYS, letter)?.value?.toString(), 'Ana Example');
  assert.throws(() => contentOf([KEYS[0]], letter), CannotOpen);
  const moved = { ...letter, origin: { ...letter.origin, offset: 8 } };
  assert.throws(() => contentOf(KEYS, moved), CannotOpen);
  const read = { key: null, value: old.value, headers: {} };
  const message = inMessage(DeadLetterSchema, read, ownIds);
  const ciphertext = message.content?.ciphertext;
  assert.ok(ciphertext !== undefined);
  ciphertext[0] = (ciphertext[0] ?? 0) ^ 1;
  const changed = readLetter({ value: frameOf(DeadLetterSchema, message, ownIds) });
  assert.ok(changed !== undefined);
  assert.throws(() => contentOf(KEYS, changed), CannotOpen);
});

test('what is no letter of ours is none', () => {
  for (const value of [null, Buffer.from('{'), Buffer.alloc(0)]) {
    assert.equal(readLetter({ value }), undefined);
  }
});
