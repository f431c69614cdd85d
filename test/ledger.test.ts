import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultsOfReceipts, faultsOfRecords, nameOf } from './support/receipts.ts';

/** The ledger of the fault tests names each fault that it is there for. */
const written = [1, 2, 3].map((number) => ({ member: 'm', number, held: false }));
const accepted = (...numbers: number[]) => numbers.map((number) => ({ member: 'm', number }));

test('a log with each number once and in order has no fault, also where one was unsure', () => {
  assert.deepEqual(faultsOfRecords(accepted(1, 2, 3, 4), written), []);
});

test('loss, a second effect and another order are faults of the log', () => {
  assert.deepEqual(faultsOfRecords(accepted(1, 3), written), [
    'm: 2 was acknowledged and is not in the log',
  ]);
  assert.deepEqual(faultsOfRecords(accepted(1, 2, 2, 3), written), ['m: 2 was accepted after 2']);
  assert.deepEqual(faultsOfRecords(accepted(1, 3, 2), written), ['m: 2 was accepted after 3']);
});

test('what an outbox held may have been overtaken; it is never there twice', () => {
  const held = written.map((one) => ({ ...one, held: one.number === 2 }));
  assert.deepEqual(faultsOfRecords(accepted(1, 3), held), []);
  assert.equal(faultsOfRecords(accepted(1, 2, 3, 2), held).length, 1);
});

test('a receipt of an older version after a newer one is a fault, of another URI it is none', () => {
  const told = (uri: string, etag: string) => ({ uri, etag });
  const [old, now, other] = [told('u', 'one'), told('u', 'two'), told('v', 'one')];
  const places = new Map([old, now, other].map((one, place) => [nameOf(one), place]));
  assert.deepEqual(faultsOfReceipts([old, now, now], places), []);
  assert.deepEqual(faultsOfReceipts([other, old, now], places), []);
  assert.deepEqual(faultsOfReceipts([old, now, old], places), ['u: 0 was told after 1']);
});
