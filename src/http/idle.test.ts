import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import { IdleWatch } from './idle.ts';

function watching(t: TestContext, idleMs: number) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let told = 0;
  const watch = new IdleWatch(idleMs, () => (told += 1));
  const enter = (): (() => void) => {
    const res = new EventEmitter();
    watch.enter(res as unknown as ServerResponse);
    return () => void res.emit('close');
  };
  return { watch, enter, pass: (ms: number) => t.mock.timers.tick(ms), told: () => told };
}

test('nobody comes: it tells once the time has passed since the start', (t) => {
  const { watch, pass, told } = watching(t, 100);
  pass(500);
  assert.equal(told(), 0, 'not before the start');
  watch.start();
  pass(99);
  assert.equal(told(), 0);
  pass(1);
  assert.equal(told(), 1);
});

test('while any exchange is open it tells nothing, and counts from the end of the last', (t) => {
  const { watch, enter, pass, told } = watching(t, 100);
  watch.start();
  pass(60);
  const [first, second] = [enter(), enter()];
  pass(1_000);
  first();
  pass(1_000);
  assert.equal(told(), 0);
  second();
  pass(99);
  assert.equal(told(), 0);
  const third = enter();
  pass(50);
  third();
  pass(99);
  assert.equal(told(), 0);
  pass(1);
  assert.equal(told(), 1);
});

test('with 0 it never tells', (t) => {
  const { watch, enter, pass, told } = watching(t, 0);
  watch.start();
  enter()();
  pass(1_000_000);
  assert.equal(told(), 0);
});

test('after its stop it tells nothing, also when an exchange ends later', (t) => {
  const { watch, enter, pass, told } = watching(t, 100);
  watch.start();
  const end = enter();
  watch.stop();
  end();
  pass(1_000);
  assert.equal(told(), 0);
});
