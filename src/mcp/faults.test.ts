import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRORS, type ErrorCode } from '../contract/errors.ts';
import { Fault } from '../kernel/errors.ts';
import { protocolErrorOf, toolErrorOf } from './faults.ts';

const UPSTREAM = 'ECONNREFUSED postgres://u:pw@db/phi of Ana Canary';

function told(error: unknown) {
  const reported: unknown[] = [];
  const shown = protocolErrorOf({ report: (fault) => reported.push(fault) }, error, 'c-1');
  return { shown, reported };
}

test('B-FM-6: 116: what anything throws reaches the log alone; the client has our sentence and an id', () => {
  for (const thrown of [new Error(UPSTREAM), UPSTREAM, { message: UPSTREAM }, undefined, null]) {
    const { shown, reported } = told(thrown);
    assert.equal(shown.code, -32603);
    assert.equal(shown.message, ERRORS.INTERNAL.says);
    assert.ok(!JSON.stringify(shown).includes('Canary'));
    assert.match(JSON.stringify(shown.data), /c-1/);
    assert.equal(reported.length, 1);
  }
});

test('B-FM-6: 116: a cause goes to the log alone, whatever the fault; only ours are logged', () => {
  for (const code of Object.keys(ERRORS) as ErrorCode[]) {
    const fault = new Fault(code, { cause: new Error(UPSTREAM) });
    const { shown, reported } = told(fault);
    assert.equal(shown.code, ERRORS[code].jsonRpc);
    const all = JSON.stringify([shown, shown.message, toolErrorOf(fault, 'c-1')]);
    assert.ok(!all.includes('Canary'), code);
    assert.equal(reported.length, ERRORS[code].http >= 500 ? 1 : 0, code);
  }
});
