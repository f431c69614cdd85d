import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOT_COUNTED } from '../metrics.ts';
import type { ConnectionHandler, Face, Sending, Socket } from '../ports.ts';
import { QueuedConnection, STALLED_MS } from './queued.ts';

const MAX = 1_000;
const FACE = { name: 'own', queueBytesMax: MAX, heartbeatMs: 1_000 } as Face;
const CODES = { comeAgain: 1012, slow: 4413, silent: 4408 };

function room() {
  let now = 1;
  const timers: { at: number; task: () => void }[] = [];
  const clock = {
    now: () => now,
    monotonic: () => now,
    after(delayMs: number, task: () => void) {
      timers.push({ at: now + delayMs, task });
      return { cancel: () => undefined };
    },
  };
  const state = { buffered: 0, open: true, takes: true, closed: 0, reset: false };
  const written: string[][] = [];
  const pending: (() => void)[] = [];
  const socket: Socket = {
    get bufferedBytes() {
      return state.buffered;
    },
    get isOpen() {
      return state.open;
    },
    send(messages, taken) {
      written.push([...messages]);
      if (state.takes) taken();
      else {
        state.buffered += messages.join('').length;
        pending.push(taken);
      }
    },
    ping: () => undefined,
    close(code) {
      state.closed = code;
    },
    terminate() {
      state.reset = true;
      state.open = false;
    },
    pause: () => undefined,
    resume: () => undefined,
  };
  const dropped: string[] = [];
  const connection = new QueuedConnection('1.1', FACE, socket, {
    clock,
    metrics: { ...NOT_COUNTED, dropped: (reason) => dropped.push(reason) },
    dirty: () => undefined,
  });
  connection.handledBy({ codes: CODES } as ConnectionHandler);
  const pass = (ms: number): void => {
    now += ms;
    for (const { at, task } of timers.splice(0)) if (at <= now) task();
  };
  const stall = (): void => {
    state.takes = false;
    state.buffered = 16 * 1024;
  };
  const drain = (): void => {
    state.buffered = 0;
    state.takes = true;
    for (const taken of pending.splice(0)) taken();
    connection.flush();
  };
  return { connection, state, written, dropped, pass, stall, drain, now: () => now };
}

test('B-GW-11: messages of one turn leave in one write, in order', () => {
  const { connection, written } = room();
  for (const message of ['a', 'b', 'c']) assert.ok(connection.send(message));
  connection.flush();
  assert.deepEqual(written, [['a', 'b', 'c']]);
});

test('B-GW-11: past its bytes a connection ends, and is reset where it reads no close', () => {
  const { connection, state, dropped, stall, pass } = room();
  // What the socket holds counts as well, so that the bound is one for both.
  const half = 'x'.repeat(MAX / 2);
  stall();
  state.buffered = 0;
  assert.ok(connection.send(half));
  assert.ok(connection.send(half));
  assert.equal(connection.send('x'), false);
  assert.ok(connection.queuedBytes <= MAX);
  assert.deepEqual([state.closed, state.reset, dropped], [CODES.slow, false, ['slow_consumer']]);
  assert.equal(connection.send('y'), false, 'nothing is said after the end');
  pass(1_001);
  assert.equal(state.reset, true);
});

test('B-GW-11: of a document the newest state is kept, with how many it stands for', () => {
  const { connection, written, dropped, stall, drain, state } = room();
  stall();
  state.buffered = 0;
  const how = (n: number): Sending => ({
    policy: 'latest',
    key: 'uri',
    conflate: (count) => `v${n}+${count}`,
  });
  assert.ok(connection.send('x'.repeat(MAX / 2)));
  for (const n of [1, 2, 3]) assert.ok(connection.send(`v${n}`, how(n)));
  assert.ok(connection.send('call', { policy: 'resume' }));
  assert.ok(connection.send('v4', how(4)));
  drain();
  assert.deepEqual(written.flat().slice(1), ['call', 'v4+4']);
  assert.deepEqual(dropped, ['conflated', 'conflated', 'conflated']);
});

test('B-GW-11: what may be dropped is, and counted; what waits can be taken back', () => {
  const { connection, written, dropped, stall, drain, state } = room();
  stall();
  state.buffered = 0;
  connection.send('x'.repeat(MAX / 2), { tag: '1 kept' });
  assert.equal(connection.send('typing', { policy: 'drop' }), false);
  connection.send('secret', { tag: '2 revoked' });
  assert.equal(
    connection.purge((tag) => tag.startsWith('2 ')),
    1,
  );
  drain();
  assert.deepEqual([written.flat().length, dropped], [1, ['slow_consumer']]);
});

test('B-GW-11: a connection from which nothing leaves for five seconds has stalled', () => {
  const { connection, state, drain, pass, now } = room();
  state.takes = false;
  connection.send('a');
  connection.flush();
  pass(STALLED_MS - 1);
  assert.equal(connection.hasStalled(now()), false);
  pass(2);
  assert.equal(connection.hasStalled(now()), true);
  drain();
  assert.equal(connection.hasStalled(now()), false);
});
